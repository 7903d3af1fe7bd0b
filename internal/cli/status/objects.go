package status

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// VersionInUse is one version of an object, and who has it mounted: a row of the table by objects.
type VersionInUse struct {
	Cloud  string `json:"cloud,omitempty"`
	Vault  string `json:"vault"`
	Object string `json:"object"`
	// Version that is mounted, empty for pods that have none of the object mounted.
	Version string     `json:"version,omitempty"`
	Created *time.Time `json:"created,omitempty"`
	// Newest is set if it is the vault's newest; nil if that is not known.
	Newest *bool `json:"newest,omitempty"`
	// Pods that have it, and those of them in which a container keeps an older content.
	Pods     int `json:"pods"`
	Outdated int `json:"podsWithOutdatedContainers"`
}

// ByObject sums up a report by objects and their versions, the newest version first.
func (r *Report) ByObject() []VersionInUse {
	type key struct{ cloud, vault, object, version string }
	rows := map[key]*VersionInUse{}
	var order []*VersionInUse
	for i := range r.Items {
		item := &r.Items[i]
		if item.Vault == "" || item.Object == "" {
			continue
		}
		k := key{item.Cloud, strings.ToLower(item.Vault), item.Object, id(item.Mounted)}
		row := rows[k]
		if row == nil {
			row = &VersionInUse{Cloud: item.Cloud, Vault: item.Vault, Object: item.Object, Version: id(item.Mounted)}
			if item.Mounted != nil {
				row.Created = item.Mounted.Created
			}
			rows[k] = row
			order = append(order, row)
		}
		if item.Newest != nil && item.Mounted != nil {
			newest := item.Newest.Version == item.Mounted.Version
			row.Newest = &newest
		}
		row.Pods++
		if slices.ContainsFunc(item.Reasons, func(r Reason) bool { return r.Code == SubPath || r.Code == SyncedVariable }) {
			row.Outdated++
		}
	}
	slices.SortStableFunc(order, func(a, b *VersionInUse) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Vault), strings.ToLower(b.Vault)), strings.Compare(a.Object, b.Object),
			-compareTimes(a.Created, b.Created), strings.Compare(a.Version, b.Version))
	})
	all := make([]VersionInUse, 0, len(order))
	for _, row := range order {
		all = append(all, *row)
	}
	return all
}

func compareTimes(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}
