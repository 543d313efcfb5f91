package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

const (
	labelManagedBy  = "app.kubernetes.io/managed-by"
	labelInfinispan = "ispn-resync.io/infinispan"
	managedBy       = "kubectl-ispn-resync"
	// journalKey is the data key of the record.
	journalKey = "journal.json"
	// journalLimit keeps a record below what the API server takes for one object, 1 MiB with everything in it.
	journalLimit = 1_000_000
)

// journalPrefix is what the names of this Infinispan's journals begin with.
func (s *Site) journalPrefix() string {
	uid := s.place.InfinispanUID
	return "ispn-resync-" + strings.ToLower(uid[:min(8, len(uid))]) + "-"
}

// journalLabels mark the journals of this Infinispan.
func (s *Site) journalLabels() map[string]string {
	return map[string]string{labelManagedBy: managedBy, labelInfinispan: s.place.InfinispanUID}
}

// Journals lists the records of runs with this Infinispan, newest first. A ConfigMap without a record in it is listed
// with an empty one.
func (s *Site) Journals(ctx context.Context) ([]xsite.StoredJournal, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	list, err := s.api.kube.CoreV1().ConfigMaps(s.place.Namespace).
		List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(s.journalLabels()).String()})
	if err != nil {
		return nil, s.failed(attempt{"list", "configmaps", "", s.place.Namespace}, err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.ConfigMap) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(b.Name, a.Name))
	})
	journals := make([]xsite.StoredJournal, 0, len(list.Items))
	for i := range list.Items {
		id, ok := strings.CutPrefix(list.Items[i].Name, s.journalPrefix())
		if !ok {
			continue
		}
		journals = append(journals, xsite.StoredJournal{
			ID: id, Version: list.Items[i].ResourceVersion, Record: []byte(list.Items[i].Data[journalKey]),
		})
	}
	return journals, nil
}

// PutJournal writes a record of at most 1,000,000 bytes. version "" creates it; one that exists, and another version
// that is not the present one, are errors that wrap xsite.ErrConflict. It returns the new version.
func (s *Site) PutJournal(ctx context.Context, id, version string, record []byte) (string, error) {
	name, err := s.journalName(id)
	if err != nil {
		return "", err
	}
	if len(record) > journalLimit {
		return "", fmt.Errorf("journal %s has %d bytes; the cluster takes %d", id, len(record), journalLimit)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	maps := s.api.kube.CoreV1().ConfigMaps(s.place.Namespace)
	object := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: s.place.Namespace, Labels: s.journalLabels(), ResourceVersion: version,
		},
		Data: map[string]string{journalKey: string(record)},
	}
	var written *corev1.ConfigMap
	verb := "create"
	if version == "" {
		written, err = maps.Create(ctx, object, metav1.CreateOptions{FieldManager: fieldManager})
	} else {
		verb = "update"
		written, err = maps.Update(ctx, object, metav1.UpdateOptions{FieldManager: fieldManager})
		if apierrors.IsNotFound(err) { // somebody removed it, which is a change too
			err = fmt.Errorf("%w: %w", xsite.ErrConflict, err)
		}
	}
	if err != nil {
		return "", s.failed(attempt{verb, "configmaps", name, s.place.Namespace}, err)
	}
	return written.ResourceVersion, nil
}

// DeleteJournal removes a record; a missing one is fine.
func (s *Site) DeleteJournal(ctx context.Context, id string) error {
	name, err := s.journalName(id)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	err = s.api.kube.CoreV1().ConfigMaps(s.place.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return s.failed(attempt{"delete", "configmaps", name, s.place.Namespace}, err)
}

// journalName makes the name of the ConfigMap and refuses ids that cannot be part of one.
func (s *Site) journalName(id string) (string, error) {
	name := s.journalPrefix() + id
	if problems := validation.IsDNS1123Subdomain(name); id == "" || len(problems) > 0 {
		return "", fmt.Errorf("journal id %q cannot be part of a name: %s", id, strings.Join(problems, "; "))
	}
	return name, nil
}
