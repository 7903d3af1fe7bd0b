package preview

import (
	"fmt"

	"github.com/aymanbagabas/go-udiff"
)

// labels are the two header lines of the diff, and its texts.
func (item *Item) labels(before, after string) (a, b, was, will string) {
	o := item.Object
	from := fmt.Sprintf("%s (%s:%d)", item.Title(), o.File, o.Line())
	if item.Target.Template {
		return from + ": the template of its pods", "its pods, as akv-injector admits them", before, after
	}
	return from, "the pod, as akv-injector admits it", before, after
}

// Title names the object: Deployment shop/web.
func (item *Item) Title() string {
	return item.Object.Kind + " " + item.Namespace + "/" + item.Object.Name
}

func unified(a, b, was, will string) string { return udiff.Unified(a, b, was, will) }
