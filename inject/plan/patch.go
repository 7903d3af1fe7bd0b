package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"gomodules.xyz/jsonpatch/v2"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// pointer returns an RFC 6901 pointer.
func pointer(parts ...string) string {
	var b strings.Builder
	length := 0
	for _, p := range parts {
		length += len("/") + len(p) + strings.Count(p, "/") + strings.Count(p, "~")
	}
	b.Grow(length)
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// patcher collects operations. They are built from the plan alone, never by comparing two
// pods, so that fields which our types do not know are not changed.
type patcher struct{ ops []jsonpatch.Operation }

func (p *patcher) add(path string, value any) {
	p.ops = append(p.ops, jsonpatch.NewOperation("add", path, value))
}

func (p *patcher) remove(path string) {
	p.ops = append(p.ops, jsonpatch.Operation{Operation: "remove", Path: path})
}

// Patch returns the operations of the plan. Their indexes are those of the submitted pod:
// elements are first completed in place, then removed from last to first, then appended.
func (p *Plan) Patch(t *workload.Target) []jsonpatch.Operation {
	const usual = 16
	out := &patcher{ops: make([]jsonpatch.Operation, 0, usual)}
	p.patchAccount(out)
	p.patchVolumes(out, t)
	for i := range p.edits {
		p.edits[i].patch(out)
	}
	p.patchGate(out, t)
	out.addToMap(t.Meta.Labels, "labels", p.labels)
	annotations := map[string]string{annotation.Status: p.status}
	maps.Copy(annotations, p.annotations)
	out.addToMap(t.Meta.Annotations, "annotations", annotations)
	return out.ops
}

func (p *Plan) patchAccount(out *patcher) {
	if p.account.name == "" {
		return
	}
	out.add("/spec/serviceAccountName", p.account.name)
	out.add("/spec/serviceAccount", p.account.name) // the deprecated twin
	switch {
	case !p.account.replacePullSecrets:
	case len(p.account.pullSecrets) == 0:
		out.remove("/spec/imagePullSecrets")
	default:
		out.add("/spec/imagePullSecrets", p.account.pullSecrets)
	}
}

func (p *Plan) patchVolumes(out *patcher, t *workload.Target) {
	for i := range p.Volumes {
		v := &p.Volumes[i]
		at := strconv.Itoa(v.existing)
		if v.setReadOnly {
			out.add("/spec/volumes/"+at+"/csi/readOnly", true)
		}
		if v.setInterval {
			out.add("/spec/volumes/"+at+"/csi/volumeAttributes/"+provider.AttributeInterval, v.CSI.VolumeAttributes[provider.AttributeInterval])
		}
	}
	if p.account.tokenVolume >= 0 {
		out.remove("/spec/volumes/" + strconv.Itoa(p.account.tokenVolume))
	}
	have := len(t.Spec.Volumes) > 0
	for i := range p.Volumes {
		if v := &p.Volumes[i]; v.existing < 0 {
			out.appendTo(&have, "/spec/volumes", v.Volume)
		}
	}
}

func (e *containerEdit) patch(out *patcher) {
	at := "/spec/" + e.List + "/" + strconv.Itoa(e.Index)
	for _, i := range e.setReadOnly {
		out.add(at+"/volumeMounts/"+strconv.Itoa(i)+"/readOnly", true)
	}
	for _, i := range slices.Backward(e.removeMounts) {
		out.remove(at + "/volumeMounts/" + strconv.Itoa(i))
	}
	haveMounts, haveEnv := len(e.VolumeMounts) > 0, len(e.Env) > 0
	for i := range e.addMounts {
		out.appendTo(&haveMounts, at+"/volumeMounts", e.addMounts[i])
	}
	for i := range e.addEnv {
		out.appendTo(&haveEnv, at+"/env", e.addEnv[i])
	}
}

// appendTo adds an element to a list, or the whole list if the object has none (absent, null
// and empty are equal in our types; adding a whole list works for all three).
func (p *patcher) appendTo(have *bool, list string, element any) {
	if *have {
		p.add(list+"/-", element)
		return
	}
	p.add(list, []any{element})
	*have = true
}

// addToMap sets the entries that are missing or have another value, in a fixed order.
func (p *patcher) addToMap(have map[string]string, name string, want map[string]string) {
	if len(have) == 0 {
		if len(want) > 0 {
			p.add("/metadata/"+name, want)
		}
		return
	}
	missing := make([]string, 0, len(want))
	for k, v := range want {
		if current, ok := have[k]; !ok || current != v {
			missing = append(missing, k)
		}
	}
	slices.Sort(missing)
	for _, k := range missing {
		p.add(pointer("metadata", name, k), want[k])
	}
}
