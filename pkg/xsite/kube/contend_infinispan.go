package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

const (
	lookLog = "to see whether the Infinispan operator pushes by itself (ISPN000643)"
	// dataRecovery is what a server logs when it has recovered data from damaged files. The operator looks for it in the log
	// of the first pod.
	dataRecovery = "ISPN000643"
	// logLimit is how much of a log is read, in bytes: servers recover data when they start.
	logLimit = int64(4) << 20
)

// firstPod is the pod whose log the operator reads.
func firstPod(set string) string { return set + "-0" }

// lookAtInfinispan reads what the Infinispan operator says.
func (l *lookout) lookAtInfinispan(ctx context.Context) error {
	if !l.server.managed() {
		return nil
	}
	o, err := l.infinispanResource(ctx)
	if err != nil {
		return err
	}
	view := &xsite.OperatorView{Conditions: conditionsOf(o), Replicas: intOf(o, 1, "spec", "replicas")}
	view.Phase, _, _ = unstructured.NestedString(o.Object, "status", "operand", "phase")
	l.note(func(found *xsite.Contenders) { found.Operator = view })
	return nil
}

// conditionsOf reads status.conditions. Keycloak operators before 22 write their statuses as booleans.
func conditionsOf(o *unstructured.Unstructured) []xsite.Condition {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	var found []xsite.Condition
	for _, entry := range list {
		c, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		kind, _ := c["type"].(string)
		message, _ := c["message"].(string)
		status := "False"
		switch given := c["status"].(type) {
		case string:
			status = given
		case bool:
			if given {
				status = "True"
			}
		}
		found = append(found, xsite.Condition{Type: kind, Status: status, Message: message})
	}
	return found
}

// lookAtLog reads the log of the first server once: a server recovers data when it starts.
func (l *lookout) lookAtLog(ctx context.Context) error {
	if !l.server.managed() {
		return nil
	}
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	if !l.log.read {
		pod, err := l.readLog(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l.log.read = true
		l.log.pod, l.log.err = pod, err
	}
	l.note(func(found *xsite.Contenders) { found.DataRecovered = l.log.pod })
	if l.log.err == nil {
		return nil
	}
	what := "whether the Infinispan operator pushes by itself"
	why, forbidden := mayNot(l.log.err)
	if !forbidden {
		why = l.log.err.Error()
	}
	l.note(func(found *xsite.Contenders) { found.Unseen = append(found.Unseen, xsite.Unseen{What: what, Why: why}) })
	return nil
}

// readLog returns the first pod's name when its log says that it recovered data.
func (l *lookout) readLog(ctx context.Context) (string, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	pod := firstPod(l.server.set)
	log, err := l.api.kube.CoreV1().Pods(l.place.Namespace).GetLogs(pod, &corev1.PodLogOptions{Container: containerInfinispan}).Stream(ctx)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", l.failed(attempt{"get", "pods/log", pod, l.place.Namespace}, err)
	}
	defer func() { _ = log.Close() }()
	mentioned, err := mentions(io.LimitReader(log, logLimit), dataRecovery)
	if err != nil {
		return "", fmt.Errorf("read the log of pod %s: %w", pod, err)
	}
	if !mentioned {
		pod = ""
	}
	return pod, nil
}

// mentions reports whether a text has a word, without keeping the text.
func mentions(text io.Reader, word string) (bool, error) {
	const piece = 32 << 10
	buffer := make([]byte, 0, piece+len(word))
	for {
		kept := min(len(buffer), len(word)-1)
		copy(buffer, buffer[len(buffer)-kept:])
		n, err := text.Read(buffer[kept : kept+piece])
		buffer = buffer[:kept+n]
		if bytes.Contains(buffer, []byte(word)) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}
