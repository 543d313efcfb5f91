package kube

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite"
)

// Annotations of a Lease, beside what the resource has itself.
const (
	annotationRun  = "ispn-resync.io/run"
	annotationRole = "ispn-resync.io/role"
	annotationWho  = "ispn-resync.io/who"
)

// leaseName is the name of the Lease of this Infinispan; its UID is part of it, so that two of them never share one.
func (s *Site) leaseName() string { return "ispn-resync-" + strings.ToLower(s.place.InfinispanUID) }

// Lease reads the Lease of this Infinispan; the zero record when there is none.
func (s *Site) Lease(ctx context.Context) (xsite.LeaseRecord, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	found, err := s.api.kube.CoordinationV1().Leases(s.place.Namespace).Get(ctx, s.leaseName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return xsite.LeaseRecord{}, nil
	case err != nil:
		return xsite.LeaseRecord{}, s.failed(attempt{"get", "leases.coordination.k8s.io", s.leaseName(), s.place.Namespace}, err)
	}
	record := xsite.LeaseRecord{
		Version: found.ResourceVersion,
		Run:     found.Annotations[annotationRun],
		Role:    xsite.Role(found.Annotations[annotationRole]),
		Who:     found.Annotations[annotationWho],
	}
	spec := found.Spec
	if spec.HolderIdentity != nil {
		record.Holder = *spec.HolderIdentity
	}
	if spec.AcquireTime != nil {
		record.Since = spec.AcquireTime.Time
	}
	if spec.RenewTime != nil {
		record.Renewed = spec.RenewTime.Time
	}
	if spec.LeaseDurationSeconds != nil {
		record.Duration = time.Duration(*spec.LeaseDurationSeconds) * time.Second
	}
	return record, nil
}

// PutLease writes the Lease in place of that of the record's Version, "" to create it, and returns the new version. One that
// exists, was removed or is of another version is an error that wraps xsite.ErrConflict.
func (s *Site) PutLease(ctx context.Context, record xsite.LeaseRecord) (string, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	seconds := int32(min(record.Duration/time.Second, math.MaxInt32)) //nolint:gosec // it fits
	since, renewed := metav1.NewMicroTime(record.Since), metav1.NewMicroTime(record.Renewed)
	object := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.leaseName(), Namespace: s.place.Namespace, ResourceVersion: record.Version, Labels: s.journalLabels(),
			Annotations: map[string]string{annotationRun: record.Run, annotationRole: string(record.Role), annotationWho: record.Who},
		},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &record.Holder, LeaseDurationSeconds: &seconds, AcquireTime: &since, RenewTime: &renewed,
		},
	}
	leases := s.api.kube.CoordinationV1().Leases(s.place.Namespace)
	verb := "create"
	var written *coordinationv1.Lease
	var err error
	if record.Version == "" {
		written, err = leases.Create(ctx, object, metav1.CreateOptions{FieldManager: fieldManager})
	} else {
		verb = "update"
		written, err = leases.Update(ctx, object, metav1.UpdateOptions{FieldManager: fieldManager})
		if apierrors.IsNotFound(err) { // somebody removed it, which is a change too
			err = fmt.Errorf("%w: %w", xsite.ErrConflict, err)
		}
	}
	if err != nil {
		return "", s.failed(attempt{verb, "leases.coordination.k8s.io", s.leaseName(), s.place.Namespace}, err)
	}
	return written.ResourceVersion, nil
}

// DeleteLease removes the Lease of that version; a missing one is fine, another version is an error that wraps
// xsite.ErrConflict.
func (s *Site) DeleteLease(ctx context.Context, version string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	err := s.api.kube.CoordinationV1().Leases(s.place.Namespace).Delete(ctx, s.leaseName(), metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{ResourceVersion: &version},
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return s.failed(attempt{"delete", "leases.coordination.k8s.io", s.leaseName(), s.place.Namespace}, err)
}
