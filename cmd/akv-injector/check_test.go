package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
)

// creates answers a create.
type creates struct {
	client.Writer
	answer func(*corev1.Pod) error
}

func (c creates) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	return c.answer(obj.(*corev1.Pod))
}

func TestCheckInjection(t *testing.T) {
	wrong := func(pod *corev1.Pod) bool { return pod.Annotations[annotation.IdentityMode] != "" }
	inject := func(pod *corev1.Pod) error {
		pod.Labels = map[string]string{annotation.LabelInjected: "true"}
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "secrets"})
		return nil
	}
	refusal := errors.New(`admission webhook "asking" denied the request: metadata.annotations[azure.keyvault.injector/identity-mode]: "check"`)
	for name, c := range map[string]struct {
		answer func(*corev1.Pod) error
		want   []string // nothing if all is well
	}{
		"all is well": {answer: func(pod *corev1.Pod) error {
			if wrong(pod) {
				return refusal
			}
			return inject(pod)
		}},
		"the fence refuses": {answer: func(pod *corev1.Pod) error {
			if wrong(pod) {
				return refusal
			}
			return errors.New("AKV018 vault-not-allowed: the vault akv-injector-check")
		}},
		"nobody is asked": {
			answer: func(*corev1.Pod) error { return nil },
			want:   []string{"does not ask akv-injector", "admitted as it was"},
		},
		"no replica answers": {
			answer: func(*corev1.Pod) error { return errors.New("failed calling webhook: no endpoints available") },
			want:   []string{"for another reason: failed calling webhook", "was refused: failed calling webhook"},
		},
		"only the validating configuration": {
			answer: func(pod *corev1.Pod) error {
				if wrong(pod) {
					return refusal
				}
				return nil
			},
			want: []string{"MutatingWebhookConfiguration"},
		},
		"a text with lines of its own": {
			answer: func(*corev1.Pod) error { return errors.New("a\nlevel=INFO msg=forged\x1b[31m") },
			want:   []string{"for another reason: a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err := (&checker{creates{answer: c.answer}, "shop", time.Millisecond, logr.Discard()}).run(ctx)
			if len(c.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("all is well")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "namespace shop") || strings.ContainsAny(err.Error(), "\n\x1b") {
					t.Errorf("%q, want %q", err, want)
				}
			}
		})
	}
}

// It becomes ready while it is looked at.
func TestCheckInjectionWaits(t *testing.T) {
	calls := 0
	answer := func(pod *corev1.Pod) error {
		calls++
		switch {
		case calls < 5:
			return errors.New("no endpoints available")
		case pod.Annotations[annotation.IdentityMode] != "":
			return errors.New(annotation.IdentityMode)
		}
		pod.Labels = map[string]string{annotation.LabelInjected: "true"}
		pod.Spec.Volumes = []corev1.Volume{{Name: "secrets"}}
		return nil
	}
	if err := (&checker{creates{answer: answer}, "shop", time.Millisecond, logr.Discard()}).run(t.Context()); err != nil {
		t.Error(err)
	}
}
