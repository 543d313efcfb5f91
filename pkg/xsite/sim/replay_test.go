package sim_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim"
	"github.com/ispn-resync/kubectl-ispn-resync/pkg/xsite/sim/contract"
)

// simulated is a simulated pair that a contract's script drives. The sites of the record notice a cut within ten seconds.
type simulated struct{ world *sim.World }

func (p simulated) node(site string, node int) *sim.Node { return p.world.Site(site).Node(node) }

func (p simulated) Send(ctx context.Context, site string, node int, r contract.Request) (contract.Answer, error) {
	n := p.node(site, node)
	door := contract.Door{
		Base: "http://node:11222", Dial: n.DialContext, User: sim.Admin().Name, Password: sim.Admin().Password,
	}
	if r.Admin {
		door.Base = "http://node:11223"
	}
	return door.Send(ctx, r)
}

func (p simulated) NodeNames(site string) []string {
	var names []string
	for _, n := range p.world.Site(site).Nodes() {
		names = append(names, n.Name())
	}
	return names
}

func (p simulated) Freeze(site string) error { p.world.Site(site).Freeze(); return nil }
func (p simulated) Thaw(site string) error   { p.world.Site(site).Thaw(); return nil }
func (p simulated) FreezeNode(site string, node int) error {
	p.node(site, node).Freeze()
	return nil
}

func (p simulated) ThawNode(site string, node int) error {
	p.node(site, node).Thaw()
	return nil
}

func (p simulated) RestartNode(_ context.Context, site string, node int) error {
	p.node(site, node).Restart()
	return nil
}

func (p simulated) Cut()                  { p.world.Cut() }
func (p simulated) Delay(d time.Duration) { p.world.Delay(d) }
func (p simulated) Heal()                 { p.world.Heal() }
func (p simulated) Linked(context.Context) error {
	p.world.Pass(time.Minute)
	return nil
}

func (p simulated) Wait(_ context.Context, d time.Duration) error {
	p.world.Pass(d)
	return nil
}

func TestTheSimulatorAnswersAsRealServersDid(t *testing.T) {
	files, err := filepath.Glob("testdata/contract/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no records", err)
	}
	for _, file := range files {
		record, err := contract.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(record.Version, func(t *testing.T) { replay(t, record) })
	}
}

// replay plays the script of a record on a simulated pair.
func replay(t *testing.T, record contract.Record) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world, err := sim.New(sim.Options{Version: record.Version, ViewLoss: 9 * time.Second, ViewReturn: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		defer http.DefaultClient.CloseIdleConnections()
		exchanges, err := contract.Script(t.Context(), record.Version, simulated{world})
		if err != nil {
			t.Error(err)
		}
		if len(exchanges) != len(record.Exchanges) {
			t.Errorf("%d answers are recorded, %d were given", len(record.Exchanges), len(exchanges))
		}
		for i := range min(len(exchanges), len(record.Exchanges)) {
			for _, d := range contract.Differences(record.Exchanges[i], exchanges[i]) {
				t.Errorf("%s\n  %s", exchanges[i].Name(), d)
			}
		}
	})
}
