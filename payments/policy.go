package payments

import "time"

// NoPolicy is the hash of the policy without files: the order of the gateway configurations in the configuration alone decides.
const NoPolicy = "none"

// PolicyFile is one file of a routing policy.
type PolicyFile struct {
	Name string `json:"name"` // beside the others, without a folder of its own
	Text string `json:"text"`
}

// PolicyVersion is a routing policy that is or was in force, or was about to be. It never changes: who brings the same meaning
// again finds the version that is there.
type PolicyVersion struct {
	Hash   string `json:"hash"`             // of the meaning; NoPolicy without files
	Parent string `json:"parent,omitempty"` // what was in force when it was brought; empty for the first
	// Files are the policy, and then the files that it names. Lists leave them out.
	Files     []PolicyFile `json:"files,omitempty"`
	By        string       `json:"by"`
	Because   string       `json:"because"`
	CreatedAt time.Time    `json:"created_at"`
	// ConfigVersions are what decisions by it call it, oldest first: the same policy with other gateway configurations is another
	// configuration. The store fills them in from PolicyConfig.
	ConfigVersions []string `json:"config_versions"`
}

// PolicyConfig ties the config_version of decisions to the policy that they were made by.
type PolicyConfig struct {
	ConfigVersion string
	Hash          string
	At            time.Time
}

// RoutingState is what operators have decided about routing. There is one for all instances, and one RoutingEvent for each of
// its versions.
type RoutingState struct {
	Version int64        `json:"version"`
	Policy  PolicyChoice `json:"policy"`
	// FileMark says what the policy's file was at the last change: a file that has changed since is looked at.
	FileMark string       `json:"file_mark"`
	Pin      *PolicyPin   `json:"pin,omitempty"`
	Switches []KillSwitch `json:"switches,omitempty"`
	// Stopped is the last canary that did worse than the policy that named it. It stays stopped while that policy is in force.
	Stopped *StoppedCanary `json:"stopped,omitempty"`
}

// StoppedCanary is a policy on trial that was ended.
type StoppedCanary struct {
	Policy  string    `json:"policy"`  // the hash of the policy that names it
	Because string    `json:"because"` // what the trial found
	At      time.Time `json:"at"`
}

// PolicyChoice is the policy in force, since when, by whom and why.
type PolicyChoice struct {
	Hash    string           `json:"hash"`
	Kind    RoutingEventKind `json:"kind"`
	Since   time.Time        `json:"since"`
	By      string           `json:"by"`
	Because string           `json:"because"`
}

// PolicyPin keeps the policy in force where it is.
type PolicyPin struct {
	Until   time.Time `json:"until"`
	By      string    `json:"by"`
	Because string    `json:"because"`
	At      time.Time `json:"at"`
}

// KillSwitch takes something out of routing until a time.
type KillSwitch struct {
	ID                     string         `json:"id"` // what it switches off: "gateway:gway_conf_1", "learning"
	Kind                   KillSwitchKind `json:"kind"`
	GatewayConfigurationID string         `json:"gateway_configuration_id,omitempty"`
	Method                 string         `json:"method,omitempty"`
	Until                  time.Time      `json:"until"`
	By                     string         `json:"by"`
	Because                string         `json:"because"`
	At                     time.Time      `json:"at"`
}

// KillSwitchKind says what a kill switch switches off.
type KillSwitchKind string

// The kinds of kill switches.
const (
	SwitchGateway     KillSwitchKind = "gateway"     // nothing is charged at a gateway configuration
	SwitchMethod      KillSwitchKind = "method"      // likewise, for payments by one method
	SwitchLearning    KillSwitchKind = "learning"    // smart routes decide by what is known, and nothing is added to it
	SwitchExploration KillSwitchKind = "exploration" // smart routes take the best for certain
	SwitchCost        KillSwitchKind = "cost"        // smart routes look at approval alone
	SwitchCascades    KillSwitchKind = "cascades"    // a payment tries one candidate only
)

// RoutingEventKind says what an operator, a file or the program itself has done to routing.
type RoutingEventKind string

// The kinds of events. The first four put a policy in force.
const (
	RoutingStarted    RoutingEventKind = "start"    // the first start with this store
	RoutingFile       RoutingEventKind = "file"     // the policy's file has changed
	RoutingActivated  RoutingEventKind = "activate" // by an operator
	RoutingRolledBack RoutingEventKind = "rollback" // to a version that was in force before
	RoutingPinned     RoutingEventKind = "pin"
	RoutingUnpinned   RoutingEventKind = "unpin"
	RoutingStopped    RoutingEventKind = "stop"     // a canary did worse, and was ended
	RoutingThrown     RoutingEventKind = "throw"    // a kill switch
	RoutingWithdrawn  RoutingEventKind = "withdraw" // a kill switch, before its time
)

// RoutingEvent is one entry of the history of routing, kept for ever.
type RoutingEvent struct {
	Seq     int64            `json:"seq"` // the version of RoutingState that it has made
	Kind    RoutingEventKind `json:"kind"`
	Hash    string           `json:"hash"`             // the policy in force after it
	From    string           `json:"from,omitempty"`   // and before it; empty when there was none
	Switch  string           `json:"switch,omitempty"` // a kill switch, by its id
	Until   time.Time        `json:"until,omitzero"`   // of a pin or a kill switch
	By      string           `json:"by"`
	Because string           `json:"because"`
	At      time.Time        `json:"at"`
}
