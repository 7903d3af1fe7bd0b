package status

import (
	"context"
	"slices"
	"strings"
	"time"

	"akv-injector/inject/provider"
)

// Report is what is known at one time.
type Report struct {
	Items []Item
	// Driver is what the cluster's driver says of rotation, nil if that is not known.
	Driver *provider.Driver
	// Notes report what could not be read, a line each.
	Notes []string
	// Missing reports each pod that was named and cannot be judged.
	Missing []string
}

// Source makes reports.
type Source struct {
	Cluster *Cluster
	Vaults  *Vaults
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Read reads the cluster, asks the vaults and judges. An error is one without which nothing
// can be said.
func (s *Source) Read(ctx context.Context) (*Report, error) {
	snapshot, notes, err := s.Cluster.Read(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	mounts := snapshot.Mounts()
	answers, problems := s.Vaults.Ask(ctx, mounts)
	report := &Report{
		Items: make([]Item, 0, len(mounts)), Driver: snapshot.Driver,
		Notes: append(notes, problems...), Missing: snapshot.Missing,
	}
	at := now()
	for i := range mounts {
		answer := Answer{}
		if ref := mounts[i].Ref; ref != nil {
			answer = answers[*ref]
		}
		report.Items = append(report.Items, Judge(&mounts[i], answer, snapshot.Rotation, at))
	}
	slices.SortStableFunc(report.Items, func(a, b Item) int {
		ka, kb := a.Key(), b.Key()
		return slices.CompareFunc(ka[:], kb[:], strings.Compare)
	})
	return report, nil
}

// Stale reports whether any item is stale or empty.
func (r *Report) Stale() bool { return r.any(Stale, Empty) }

// Untold reports whether of any item it is not known.
func (r *Report) Untold() bool { return r.any(Unknown) }

func (r *Report) any(of ...Status) bool {
	return slices.ContainsFunc(r.Items, func(i Item) bool { return slices.Contains(of, i.Status) })
}
