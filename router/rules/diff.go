package rules

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Diff says in sentences what changes when one policy takes the place of another. It is empty when both mean the same,
// however they are written.
func Diff(before, after *Policy) []string {
	if before.Hash == after.Hash {
		return nil
	}
	sentences := diffRules(before.doc, after.doc)
	sentences = append(sentences, diffRoute("the default route", &before.doc.Default, &after.doc.Default)...)
	sentences = append(sentences, diffFees(before.doc, after.doc)...)
	rest := func(doc *Document) map[string]string {
		byID := map[string]GatewaySettings{}
		for _, g := range doc.Gateways {
			id := g.ID
			g.ID = "" // it is the path already
			byID[id] = g
		}
		return flatten(map[string]any{
			"gateways": byID, "rates": doc.Rates, "retry": doc.Retry, "objective": doc.Objective, "commitments": doc.Commitments,
			"exploration": doc.Exploration, "smart": doc.Smart, "shadow": doc.Shadow, "canary": doc.Canary,
		})
	}
	return append(sentences, diffFlat(rest(before.doc), rest(after.doc))...)
}

func diffRules(before, after *Document) []string {
	var sentences []string
	old, now := map[string]*Rule{}, map[string]*Rule{}
	for i := range before.Rules {
		old[before.Rules[i].Name] = &before.Rules[i]
	}
	for i := range after.Rules {
		now[after.Rules[i].Name] = &after.Rules[i]
	}
	var oldOrder, newOrder []string // of the rules that stay
	for i := range before.Rules {
		r := &before.Rules[i]
		if now[r.Name] == nil {
			sentences = append(sentences, "rule "+quoted(r.Name)+" is removed: "+r.When.payments()+r.Route.did())
			continue
		}
		oldOrder = append(oldOrder, r.Name)
	}
	previous := ""
	for i := range after.Rules {
		r := &after.Rules[i]
		where := "at the top"
		if previous != "" {
			where = "after " + quoted(previous)
		}
		previous = r.Name
		if old[r.Name] == nil {
			sentences = append(sentences, "rule "+quoted(r.Name)+" is added "+where+": "+r.When.payments()+r.Route.does())
			continue
		}
		newOrder = append(newOrder, r.Name)
		sentences = append(sentences, diffRule(old[r.Name], r)...)
	}
	for _, name := range moved(oldOrder, newOrder) {
		i := slices.Index(newOrder, name)
		where := "to the top"
		if i > 0 {
			where = "behind " + quoted(newOrder[i-1])
		}
		sentences = append(sentences, "rule "+quoted(name)+" is moved "+where)
	}
	return sentences
}

// payments names the payments of a condition.
func (c *Condition) payments() string {
	if c == nil {
		return "all payments"
	}
	return "payments for which " + c.words()
}

// does says what a route does, after a subject; did, what it used to do.
func (r *Route) does() string {
	if r.Kind == RouteBlock {
		return " are " + r.words()
	}
	return " go to " + r.words()
}

func (r *Route) did() string {
	if r.Kind == RouteBlock {
		return " were " + r.words()
	}
	return " went to " + r.words()
}

func diffRule(old, now *Rule) []string {
	var sentences []string
	name := "rule " + quoted(now.Name)
	if old.When.canonical() != now.When.canonical() {
		sentences = append(sentences, name+" now matches "+now.When.payments()+"; before, "+old.When.payments())
	}
	sentences = append(sentences, diffRoute(name, &old.Route, &now.Route)...)
	if old.Fail != now.Fail {
		does := map[bool]string{true: "refuses the payment", false: "passes the payment on to the next rule"}
		sentences = append(sentences, name+" now "+does[now.Fail]+" when it leaves no candidate; before, it "+does[old.Fail])
	}
	return sentences
}

func diffRoute(what string, old, now *Route) []string {
	if old.same(now) {
		return nil
	}
	sameSplit := old.Kind == RouteSplit && now.Kind == RouteSplit && slices.Equal(old.Fallback, now.Fallback) && old.SplitBy == now.SplitBy && old.Salt == now.Salt
	if !sameSplit {
		sentence := what + ": payments now" + now.does() + "; before, they" + old.did()
		if old.words() == now.words() {
			sentence = what + " splits anew: its salt has changed"
		}
		return []string{sentence}
	}
	var sentences []string
	for i, id := range now.Gateways {
		before := 0
		if j := slices.Index(old.Gateways, id); j >= 0 {
			before = old.Weights[j]
		}
		if before != now.Weights[i] {
			sentences = append(sentences, what+" now gives "+id+" "+strconv.Itoa(now.Weights[i])+" %; before, "+strconv.Itoa(before)+" %")
		}
	}
	for i, id := range old.Gateways {
		if !slices.Contains(now.Gateways, id) {
			sentences = append(sentences, what+" no longer gives "+id+" anything; before, "+strconv.Itoa(old.Weights[i])+" %")
		}
	}
	return sentences
}

// moved returns which of the names have to move to get from one order to the other: those outside of a longest common
// subsequence.
func moved(before, after []string) []string {
	place := make(map[string]int, len(before))
	for i, name := range before {
		place[name] = i
	}
	best, previous := make([]int, len(after)), make([]int, len(after))
	longest := -1
	for i := range after {
		best[i], previous[i] = 1, -1
		for j := range i {
			if place[after[j]] < place[after[i]] && best[j]+1 > best[i] {
				best[i], previous[i] = best[j]+1, j
			}
		}
		if longest < 0 || best[i] > best[longest] {
			longest = i
		}
	}
	stays := map[string]bool{}
	for i := longest; i >= 0; i = previous[i] {
		stays[after[i]] = true
	}
	return slices.DeleteFunc(slices.Clone(after), func(name string) bool { return stays[name] })
}

// diffFees compares schedules by gateway configuration and day.
func diffFees(before, after *Document) []string {
	name := func(s *FeeSchedule) string {
		if s.ValidFrom.IsZero() {
			return "the fees of " + s.Gateway
		}
		return "the fees of " + s.Gateway + " from " + s.ValidFrom.Format("2006-01-02")
	}
	collect := func(doc *Document) map[string]string {
		flat := map[string]string{}
		for i := range doc.Fees {
			s := &doc.Fees[i]
			flat[name(s)] = ""
			rows := map[string]any{"settlement": s.Settlement, "attempt": moneyText(s.Attempt)}
			for j := range s.Rows {
				rows[s.Rows[j].label(j)] = s.Rows[j].flat()
			}
			for key, value := range flatten(rows) {
				flat[name(s)+": "+key] = value
			}
		}
		return flat
	}
	old, now := collect(before), collect(after)
	var sentences []string
	for _, doc := range []*Document{before, after} {
		for i := range doc.Fees {
			schedule := name(&doc.Fees[i])
			_, was := old[schedule]
			_, is := now[schedule]
			if was == is {
				continue
			}
			verb := " are removed"
			if is {
				verb = " are added"
			}
			sentences = append(sentences, schedule+verb)
			for _, flat := range []map[string]string{old, now} {
				for key := range flat {
					if key == schedule || strings.HasPrefix(key, schedule+": ") {
						delete(flat, key)
					}
				}
			}
		}
	}
	return append(sentences, diffFlat(old, now)...)
}

// flat is the row as it is written in sentences.
func (row *FeeRow) flat() map[string]any {
	flat := map[string]any{"fx_bps": row.FXBPS, "when": row.When.words()}
	for name, part := range map[string]FeePart{"blended": row.Blended, "interchange": row.Interchange, "scheme": row.Scheme, "markup": row.Markup} {
		flat[name] = map[string]any{"bps": part.BPS, "fixed": moneyText(part.Fixed)}
	}
	return flat
}

// flatten lists the single values of what has a canonical form, by their paths.
func flatten(v any) map[string]string {
	flat := map[string]string{}
	canonical, err := json.Marshal(v)
	if err != nil { // as in contentHash
		return flat
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(canonical))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return flat
	}
	flattenInto(flat, "", tree)
	return flat
}

// listed stands for a value that is one of a set.
const listed = "listed"

func flattenInto(flat map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			flattenInto(flat, strings.TrimPrefix(path+"."+key, "."), value)
		}
	case []any:
		for i, value := range v {
			if single, ok := value.(string); ok { // a set: by its values
				flat[path+" "+single] = listed
				continue
			}
			flattenInto(flat, path+"["+strconv.Itoa(i)+"]", value)
		}
	case string:
		flat[path] = v
	case json.Number:
		flat[path] = v.String()
	case bool:
		flat[path] = strconv.FormatBool(v)
	}
}

// diffFlat says which values have changed.
func diffFlat(before, after map[string]string) []string {
	var sentences []string
	for _, key := range sortedKeys(before) {
		now, is := after[key]
		switch was := before[key]; {
		case !is && was == listed:
			sentences = append(sentences, key+" is removed")
		case !is && was != "":
			sentences = append(sentences, key+" is removed (was "+was+")")
		case is && now != was:
			sentences = append(sentences, key+" is now "+shownOr(now, "not set")+"; before, "+shownOr(was, "not set"))
		}
	}
	for _, key := range sortedKeys(after) {
		switch _, was := before[key]; {
		case was || after[key] == "":
		case after[key] == listed:
			sentences = append(sentences, key+" is added")
		default:
			sentences = append(sentences, key+" is added: "+after[key])
		}
	}
	return sentences
}

func shownOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
