package rules

import "strings"

// builtinRegions are the regions that need no definition. A file can define more, and cannot redefine these.
const (
	regionEU  = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
	regionEEA = regionEU + " IS LI NO"
	regionSEA = "BN ID KH LA MM MY PH SG TH TL VN" // the members of ASEAN
)

// defaultRegions returns the regions that every file may name.
func defaultRegions() map[string][]string {
	return map[string][]string{
		"EU": strings.Fields(regionEU), "EEA": strings.Fields(regionEEA), "SEA": strings.Fields(regionSEA),
	}
}
