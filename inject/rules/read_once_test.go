package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
)

func TestReadOnce(t *testing.T) {
	script := func(text string) func(*ruled) {
		return func(r *ruled) { r.App().Command, r.App().Args = []string{"/bin/sh", "-c"}, []string{text} }
	}
	copier := func(command ...string) func(*ruled) {
		return func(r *ruled) {
			spec := &r.Pod.Pod.Spec
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "work", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
			work := corev1.VolumeMount{Name: "work", MountPath: "/work"}
			spec.InitContainers = []corev1.Container{{Name: "copy", Command: command, VolumeMounts: []corev1.VolumeMount{spec.Containers[0].VolumeMounts[0], work}}}
			spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, work)
		}
	}
	args, command := []string{"warning spec.containers[0].args[0]"}, []string{"warning spec.initContainers[0].command[2]"}
	testRule(t, "AKV028", map[string]ruleCase{
		"into a variable":       {script("export DB=$(cat /mnt/secrets-store/DB-Password); exec /app"), args},
		"with quotes":           {script(`DB="$(cat "/mnt/secrets-store/DB-Password")" exec /app`), args},
		"without cat":           {script("export DB=$(</mnt/secrets-store/DB-Password) && /app"), args},
		"with backticks":        {script("DB=`cat /mnt/secrets-store/DB-Password` /app"), args},
		"into an argument":      {script("exec /app --password=$(base64 -d < /mnt/secrets-store/DB-Password)"), args},
		"of a whole file":       {script("set -a; . /mnt/secrets-store/env; set +a; exec /app"), args},
		"sourced":               {script("source /mnt/secrets-store/env && exec /app"), args},
		"by read":               {script("read -r DB < /mnt/secrets-store/DB-Password; export DB; exec /app"), args},
		"from a .env":           {script("export $(grep -v '^#' /mnt/secrets-store/.env | xargs) && exec /app"), args},
		"each file":             {script(`for f in /mnt/secrets-store/*; do export "$(basename $f)"="$(cat $f)"; done; exec /app`), args},
		"again and again":       {script("while true; do export DB=$(cat /mnt/secrets-store/DB-Password); run; sleep 5; done"), nil},
		"the file's name":       {script("exec /app --password-file=/mnt/secrets-store/DB-Password"), nil},
		"whether it is there":   {script("test -f /mnt/secrets-store/DB-Password && exec /app"), nil},
		"a list of names":       {script("echo $(ls /mnt/secrets-store); exec /app"), nil},
		"another folder":        {script("export DB=$(cat /mnt/secrets-store-2/DB-Password); exec /app"), nil},
		"a closed substitution": {script("N=$(hostname); exec /app /mnt/secrets-store/DB-Password"), nil},
		"waived": {func(r *ruled) {
			script("export DB=$(cat /mnt/secrets-store/a)")(r)
			r.Annotate(annotation.Allow, "AKV028")
		}, nil},
		"in a Job":                  {func(r *ruled) { script("export DB=$(cat /mnt/secrets-store/a)")(r); r.Target.Kind = "Job" }, nil},
		"a copy":                    {copier("sh", "-c", "cp -r /mnt/secrets-store/. /work/"), command},
		"a copy without a shell":    {copier("cp", "/mnt/secrets-store/DB-Password", "/work/db"), []string{"warning spec.initContainers[0].command"}},
		"a file that is made of it": {copier("sh", "-c", "envsubst < /mnt/secrets-store/a > /work/app.conf"), command},
		"two commands":              {copier("sh", "-c", "cat /mnt/secrets-store/a >/dev/null; touch /work/ready"), nil},
		"a list of what is there":   {copier("sh", "-c", "ls /mnt/secrets-store > /work/list"), nil},
		"an init container's own":   {copier("sh", "-c", "psql -f /work/init.sql --password=$(cat /mnt/secrets-store/a)"), nil},
		"nothing is mounted in there": {func(r *ruled) {
			script("export DB=$(cat /mnt/secrets-store/DB-Password)")(r)
			r.App().VolumeMounts = nil
		}, nil},
	})
}
