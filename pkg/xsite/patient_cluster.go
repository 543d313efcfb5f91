package xsite

import (
	"bytes"
	"context"
	"errors"
)

// patientCluster is a Cluster whose calls are repeated while it is away.
type patientCluster struct {
	Cluster

	patience patience
}

// Contenders implements Cluster.
func (c patientCluster) Contenders(ctx context.Context, role Role) (found Contenders, err error) {
	err = c.patience.try(ctx, "look for what else acts there", func(ctx context.Context) error {
		found, err = c.Cluster.Contenders(ctx, role)
		return err
	})
	return found, err
}

// Pods implements Cluster.
func (c patientCluster) Pods(ctx context.Context) (pods []Pod, err error) {
	err = c.patience.try(ctx, "list the Infinispan pods", func(ctx context.Context) error {
		pods, err = c.Cluster.Pods(ctx)
		return err
	})
	return pods, err
}

// Node implements Cluster; the node's calls are repeated too.
func (c patientCluster) Node(ctx context.Context, pod Pod) (node Node, err error) {
	err = c.patience.try(ctx, "connect to pod "+pod.Name, func(ctx context.Context) error {
		node, err = c.Cluster.Node(ctx, pod)
		return err
	})
	if err != nil {
		return nil, err
	}
	return patientNode{node, pod, c.patience}, nil
}

// impatientCluster is a cluster whose calls are made once.
func impatientCluster(c Cluster) Cluster {
	if p, ok := c.(patientCluster); ok {
		return p.Cluster
	}
	return c
}

// Keycloaks implements Cluster.
func (c patientCluster) Keycloaks(ctx context.Context) (list []Keycloak, err error) {
	err = c.patience.try(ctx, "read Keycloak", func(ctx context.Context) error {
		list, err = c.Cluster.Keycloaks(ctx)
		return err
	})
	return list, err
}

// ScaleKeycloak implements Cluster.
func (c patientCluster) ScaleKeycloak(ctx context.Context, ref string, instances int) error {
	return c.patience.try(ctx, "scale "+ref, func(ctx context.Context) error { return c.Cluster.ScaleKeycloak(ctx, ref, instances) })
}

// WatchKeycloak implements Cluster. Only its beginning is watched and repeated here; what it promises holds while it lasts.
func (c patientCluster) WatchKeycloak(ctx context.Context) (sightings <-chan PodSighting, err error) {
	err = c.patience.repeat(ctx, "watch Keycloak", func(ctx context.Context) error {
		lasting, breakOff := context.WithCancelCause(ctx) // it outlives the call
		err := c.patience.watch(lasting, breakOff, c.patience.harmInAHurry, func(ctx context.Context) (err error) {
			sightings, err = c.Cluster.WatchKeycloak(ctx)
			return err
		})
		if err == nil {
			err = context.Cause(lasting) // broken off as it succeeded
		}
		if err != nil {
			breakOff(nil)
		}
		return err
	})
	return sightings, err
}

// RecordInstances implements Cluster.
func (c patientCluster) RecordInstances(ctx context.Context, ref string, instances int) error {
	return c.patience.try(ctx, "annotate "+ref, func(ctx context.Context) error { return c.Cluster.RecordInstances(ctx, ref, instances) })
}

// ForgetInstances implements Cluster.
func (c patientCluster) ForgetInstances(ctx context.Context, ref string) error {
	return c.patience.try(ctx, "annotate "+ref, func(ctx context.Context) error { return c.Cluster.ForgetInstances(ctx, ref) })
}

// Journals implements Cluster.
func (c patientCluster) Journals(ctx context.Context) (list []StoredJournal, err error) {
	err = c.patience.try(ctx, "read the journals", func(ctx context.Context) error {
		list, err = c.Cluster.Journals(ctx)
		return err
	})
	return list, err
}

// PutJournal implements Cluster. A write whose answer was lost may have been made; then its repetition meets itself.
func (c patientCluster) PutJournal(ctx context.Context, id, version string, record []byte) (next string, err error) {
	unsure := false
	err = c.patience.try(ctx, "write the journal", func(ctx context.Context) error {
		next, err = c.Cluster.PutJournal(ctx, id, version, record)
		if unsure && errors.Is(err, ErrConflict) {
			var written bool
			if next, written = c.written(ctx, id, record); written {
				err = nil
			}
		}
		unsure = unsure || err != nil && away(err)
		return err
	})
	return next, err
}

// written tells whether a record is stored just as it was to be written, and its version.
func (c patientCluster) written(ctx context.Context, id string, record []byte) (string, bool) {
	list, err := c.Cluster.Journals(ctx)
	if err != nil {
		return "", false
	}
	for _, one := range list {
		if one.ID == id {
			return one.Version, bytes.Equal(one.Record, record)
		}
	}
	return "", false
}

// DeleteJournal implements Cluster.
func (c patientCluster) DeleteJournal(ctx context.Context, id string) error {
	return c.patience.try(ctx, "delete an old journal", func(ctx context.Context) error { return c.Cluster.DeleteJournal(ctx, id) })
}

// ForgetCaches implements Cluster.
func (c patientCluster) ForgetCaches(ctx context.Context, prefix string) (removed []string, err error) {
	err = c.patience.try(ctx, "remove a mirrored Cache resource", func(ctx context.Context) error {
		removed, err = c.Cluster.ForgetCaches(ctx, prefix)
		return err
	})
	return removed, err
}
