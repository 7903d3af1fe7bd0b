package certificates

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"akv-injector/internal/text"
)

// Annotations of the Secret: who wants certificates before it is time writes "leaf" or "ca" and a word of their own, such as the time, and the keeper
// writes what it has done.
const (
	AnnotationRotate  = "azure.keyvault.injector/rotate"
	AnnotationRotated = "azure.keyvault.injector/rotated"
)

// Options say where everything is.
type Options struct {
	Client kubernetes.Interface
	// Namespace and Secret have the certificates. Webhooks is the name of both webhook configurations.
	Namespace, Secret, Webhooks string
	// Names that the serving certificate is for.
	Names []string
	Times Times
	Log   logr.Logger
}

// Check says what is wrong with the options.
func (o *Options) Check() error { return o.Times.check() }

// Keeper keeps the Secret and the webhook configurations, as the one that leads.
type Keeper struct {
	Options
	now func() time.Time
	// changed is sent to when something may have to be done.
	changed chan struct{}
	// whole is since when every webhook configuration has bundle.
	whole  time.Time
	bundle []byte
	fight  fight
}

// fight is one with somebody else who writes the bundles. It is not fought at full speed.
type fight struct {
	// times that a bundle was taken away, and when it was last.
	times int
	last  time.Time
}

// pause is how long the next write waits, when a bundle has been taken away again and again.
func (f *fight) pause(now time.Time) time.Duration {
	const (
		free  = 3 // are written again at once
		most  = 6
		peace = 5 * time.Minute
	)
	if now.Sub(f.last) > peace {
		f.times = 0
	}
	if f.times <= free {
		return 0
	}
	return f.last.Add(time.Second << min(f.times-free, most)).Sub(now)
}

// NewKeeper makes a keeper.
func NewKeeper(o Options) *Keeper {
	return &Keeper{Options: o, now: time.Now, changed: make(chan struct{}, 1)}
}

// Changed has the keeper look again.
func (k *Keeper) Changed() {
	select {
	case k.changed <- struct{}{}:
	default: // it will look in any case
	}
}

// Keep keeps until ctx is done.
func (k *Keeper) Keep(ctx context.Context) {
	const (
		every = time.Minute
		retry = 2 * time.Second
	)
	// Another replica may have led meanwhile.
	k.whole, k.bundle = time.Time{}, nil
	for ctx.Err() == nil {
		wait, err := k.look(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			k.Log.Error(err, "certificates; trying again", "in", retry.String())
			wait = retry
		case wait == 0:
			wait = every
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-k.changed:
		}
		timer.Stop()
	}
}

// look does what there is to do now, step by step, and returns when to look again; 0 is when it is time for it.
func (k *Keeper) look(ctx context.Context) (time.Duration, error) {
	// More steps than there can be in a row: none waits for anything.
	for range 10 {
		wait, more, err := k.once(ctx)
		if err != nil || !more {
			return wait, err
		}
	}
	return 0, nil
}

// once does one step.
func (k *Keeper) once(ctx context.Context) (wait time.Duration, more bool, err error) {
	const limit = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	secret, err := k.Client.CoreV1().Secrets(k.Namespace).Get(ctx, k.Secret, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return 0, false, fmt.Errorf("there is no Secret %s in namespace %s: install akv-injector again, or create it empty", k.Secret, k.Namespace)
	}
	if err != nil {
		return 0, false, err
	}
	all, err := configurations(ctx, k.Client, k.Webhooks)
	if err != nil {
		return 0, false, err
	}
	now := k.now()
	s, problems := readState(secret.Data)
	for _, p := range problems {
		k.Log.Info("made anew", "problem", text.Line(p, 300))
	}
	if strangers := s.strangers(all, now); s.signer != nil && len(strangers) > 0 {
		return 0, true, k.store(ctx, secret, s.adopt(strangers, now), "kept CAs that were there", "")
	}
	if s.signer != nil {
		if wait, err := k.spread(ctx, all, s.bundle(), now); err != nil || wait > 0 {
			return wait, false, err
		}
	}
	request, asked := requested(secret)
	if request == RequestNone && asked != "" {
		k.Log.Info("the annotation asks for neither leaf nor ca", "annotation", AnnotationRotate, "value", text.Shorten(asked))
	}
	next, did, wait, err := s.step(now, k.whole, k.Times, k.Names, request)
	if err != nil {
		return 0, false, err
	}
	if did == "" {
		return wait, false, nil
	}
	done := ""
	if request == RequestLeaf && next.leaf != s.leaf || request == RequestCA && next.next != s.next && next.next != nil {
		done = asked
	}
	return 0, true, k.store(ctx, secret, next, did, done)
}

// spread writes the bundle where it is missing, and remembers since when it is everywhere. It returns how long to wait with that, if somebody takes it
// away again and again.
func (k *Keeper) spread(ctx context.Context, all []configuration, bundle []byte, now time.Time) (wait time.Duration, err error) {
	var missing []*configuration
	for i := range all {
		if !all[i].whole(bundle) {
			missing = append(missing, &all[i])
		}
	}
	if len(missing) > 0 && bytes.Equal(bundle, k.bundle) && !k.whole.IsZero() {
		k.whole = time.Time{}
		k.fight.times++
		k.fight.last = now
	}
	if wait := k.fight.pause(now); len(missing) > 0 && wait > 0 {
		k.Log.Info("somebody takes the CA out of the webhook configurations again and again (kubectl get mutatingwebhookconfigurations "+k.Webhooks+
			" --show-managed-fields -o yaml)", "times", k.fight.times, "again in", wait.String())
		return wait, nil
	}
	for _, c := range missing {
		if err := c.write(ctx, k.Webhooks, bundle); err != nil {
			return 0, err
		}
	}
	if len(missing) > 0 || !bytes.Equal(bundle, k.bundle) || k.whole.IsZero() {
		k.whole, k.bundle = now, bundle
	}
	return 0, nil
}

// requested is what somebody asks for, and has not got yet.
func requested(secret *corev1.Secret) (r Request, asked string) {
	asked = secret.Annotations[AnnotationRotate]
	if asked == "" || asked == secret.Annotations[AnnotationRotated] {
		return RequestNone, ""
	}
	switch what, _, _ := strings.Cut(asked, " "); what {
	case "ca":
		return RequestCA, asked
	case "leaf":
		return RequestLeaf, asked
	}
	return RequestNone, asked
}

// store writes a state, if nobody else has written meanwhile.
func (k *Keeper) store(ctx context.Context, secret *corev1.Secret, s state, did, rotated string) error {
	changed := secret.DeepCopy()
	changed.Data = s.data()
	if rotated != "" {
		if changed.Annotations == nil {
			changed.Annotations = map[string]string{}
		}
		changed.Annotations[AnnotationRotated] = rotated
	}
	if maps.EqualFunc(changed.Data, secret.Data, bytes.Equal) && rotated == "" {
		return nil
	}
	_, err := k.Client.CoreV1().Secrets(k.Namespace).Update(ctx, changed, metav1.UpdateOptions{FieldManager: fieldManager})
	switch {
	case apierrors.IsConflict(err):
		return errConflict
	case err != nil:
		return fmt.Errorf("writing the Secret %s: %w", k.Secret, err)
	case did != "":
		k.Log.Info(did)
	}
	return nil
}
