package policies

import (
	"context"
	"errors"
	"slices"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/rules"
)

// Status is how routing stands on this instance.
type Status struct {
	Policy        string                    `json:"policy"` // in force: a hash, or payments.NoPolicy
	ConfigVersion string                    `json:"config_version"`
	Rules         int                       `json:"rules"`
	Kind          payments.RoutingEventKind `json:"kind"` // how it came into force
	Since         time.Time                 `json:"since"`
	By            string                    `json:"by"`
	Because       string                    `json:"because"`
	Pinned        *payments.PolicyPin       `json:"pinned,omitempty"`
	Switches      []payments.KillSwitch     `json:"switches"` // those that are thrown now
	Shadow        *rules.Candidate          `json:"shadow,omitempty"`
	Canary        *rules.Candidate          `json:"canary,omitempty"`
	// Compared is what the shadow would have done since this instance counts, Trial how the canary stands, and Stopped that it was
	// ended.
	Compared *router.ShadowReport    `json:"compared,omitempty"`
	Trial    *router.TrialReport     `json:"trial,omitempty"`
	Stopped  *payments.StoppedCanary `json:"stopped,omitempty"`
	File     string                  `json:"file,omitempty"`
	// LastReload is the failure of the last look at the file, and Behind why what was decided is not in force on this instance.
	LastReload *Failure `json:"last_reload_failed,omitempty"`
	Behind     *Failure `json:"behind,omitempty"`
}

// Current says how routing stands.
func (s *Service) Current() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status()
}

func (s *Service) status() Status {
	now, running := time.Now(), &s.running
	status := Status{
		Policy: running.Hash, ConfigVersion: running.Config.Version, Kind: running.choice.Kind, Since: running.choice.Since,
		By: running.choice.By, Because: running.choice.Because, File: s.file, LastReload: s.reload, Behind: s.behind,
		Switches: slices.DeleteFunc(append([]payments.KillSwitch{}, s.state.Switches...), func(k payments.KillSwitch) bool { return !now.Before(k.Until) }),
	}
	if policy := running.Config.Policy; policy != nil {
		doc := policy.Document()
		status.Rules, status.Shadow, status.Canary = len(doc.Rules), doc.Shadow, doc.Canary
	}
	if report, ok := s.router.Shadow(); ok {
		status.Compared = &report
	}
	if report, ok := s.router.Trial(); ok {
		status.Trial = &report
	}
	if stopped := s.state.Stopped; stopped != nil && stopped.Policy == running.Hash {
		status.Stopped = stopped
	}
	if holds(s.state.Pin, now) {
		status.Pinned = s.state.Pin
	}
	return status
}

// ReloadFailures counts the reloads that have failed since the start.
func (s *Service) ReloadFailures() int64 { return s.failures.Load() }

// maxListed is the longest list of versions or events.
const maxListed = 100

// Versions lists what there is to be put in force, newest first and without the texts: what was brought before a version, or
// with an empty name all.
func (s *Service) Versions(ctx context.Context, before string, limit int) ([]payments.PolicyVersion, error) {
	if before != "" {
		version, err := s.Version(ctx, before)
		if err != nil {
			return nil, err
		}
		before = version.Hash
	}
	return s.store.PolicyVersions(ctx, before, min(max(limit, 1), maxListed))
}

// minName is the shortest beginning of a hash that names a version.
const minName = 6

// Version finds a version by its hash, by the beginning of its hash, or by the config_version of a decision.
func (s *Service) Version(ctx context.Context, name string) (payments.PolicyVersion, error) {
	none := missing("There is no version %q; GET /routing/versions lists them.", name)
	if len(name) < minName && name != payments.NoPolicy {
		return payments.PolicyVersion{}, missing("There is no version %q: write at least %d characters of its hash; GET /routing/versions lists them.", name, minName)
	}
	hashes, err := s.store.PolicyHashes(ctx, name, 3) //nolint:mnd // two may be the same one
	if err != nil {
		return payments.PolicyVersion{}, err
	}
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	switch len(hashes) {
	case 0:
		return payments.PolicyVersion{}, none
	case 1:
	default:
		return payments.PolicyVersion{}, invalid("More than one version begins with %q; write more of the hash.", name)
	}
	version, err := s.store.PolicyVersion(ctx, hashes[0])
	if errors.Is(err, payments.ErrNotFound) {
		err = none
	}
	return version, err
}

// History lists what has happened to routing, newest first: what came before an event, or with 0 all.
func (s *Service) History(ctx context.Context, before int64, limit int) ([]payments.RoutingEvent, error) {
	return s.store.RoutingEvents(ctx, before, min(max(limit, 1), maxListed))
}
