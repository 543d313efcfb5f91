package plugin

import (
	"os"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

// documentedJob reads the Job of docs/job.md.
func documentedJob(t *testing.T) *batchv1.Job {
	t.Helper()
	content, err := os.ReadFile("../../docs/job/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	job := &batchv1.Job{}
	if err := yaml.UnmarshalStrict(content, job); err != nil {
		t.Fatal(err)
	}
	return job
}

func TestTheJobsArgumentsRunARecovery(t *testing.T) {
	r := newRig(t)
	args := documentedJob(t).Spec.Template.Spec.Containers[0].Args
	if code := r.run(args...); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, r.err)
	}
	if len(r.connected) != 2 || !strings.Contains(r.out.String(), "site-b") {
		t.Errorf("connected to %d sites:\n%s", len(r.connected), r.out)
	}
}

// TestTheJobIsTriedAgainOnlyWhereThatHelps compares the Job's exit codes with those after which another try would end the
// same way. A refusal is none: the pod that goes on with a run may be refused by what passes, while Keycloak is down.
func TestTheJobIsTriedAgainOnlyWhereThatHelps(t *testing.T) {
	job := documentedJob(t)
	final := []int32{int32(ExitUsage), int32(ExitNotConfirmed)}
	rule := job.Spec.PodFailurePolicy.Rules[0]
	if rule.Action != batchv1.PodFailurePolicyActionFailJob || !slices.Equal(rule.OnExitCodes.Values, final) {
		t.Errorf("the Job fails at once after %v, want %v", rule.OnExitCodes, final)
	}
	if *job.Spec.BackoffLimit < 1 || *job.Spec.PodReplacementPolicy != batchv1.Failed {
		t.Errorf("it is tried again %d times, replaced when %s", *job.Spec.BackoffLimit, *job.Spec.PodReplacementPolicy)
	}
}

func TestTheJobsPodHoldsNothingItDoesNotNeed(t *testing.T) {
	pod := documentedJob(t).Spec.Template.Spec
	container := pod.Containers[0]
	if *pod.AutomountServiceAccountToken || !*pod.SecurityContext.RunAsNonRoot || !*container.SecurityContext.ReadOnlyRootFilesystem ||
		*container.SecurityContext.AllowPrivilegeEscalation || !slices.Contains(container.SecurityContext.Capabilities.Drop, "ALL") {
		t.Errorf("the pod has more than it needs: %+v %+v", pod.SecurityContext, container.SecurityContext)
	}
	secret := pod.Volumes[0].Secret
	if secret == nil || container.Env[0].Value != container.VolumeMounts[0].MountPath+"/kubeconfig" || container.VolumeMounts[0].Name != pod.Volumes[0].Name {
		t.Errorf("the kubeconfig is not where KUBECONFIG says: %+v", container.VolumeMounts)
	}
}
