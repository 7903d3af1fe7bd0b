package policy

import "akv-injector/inject/finding"

// Rules are the descriptions of all rules.
type Rules []finding.Rule

// ByID finds a rule, or returns nil.
func (r Rules) ByID(id string) *finding.Rule {
	for i := range r {
		if r[i].ID == id {
			return &r[i]
		}
	}
	return nil
}

// waivable are the ids of the rules that can be waived.
func (r Rules) waivable() []string {
	var ids []string
	for i := range r {
		if r[i].Waivable {
			ids = append(ids, r[i].ID)
		}
	}
	return ids
}
