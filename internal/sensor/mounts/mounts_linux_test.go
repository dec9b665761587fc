package mounts

import (
	"context"
	"strings"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/mountinfo"
	"assay/internal/telemetry"
)

func TestSecretsStay(t *testing.T) {
	entries, err := mountinfo.Parse([]byte("1 0 0:1 / /m rw,password=hunter2 - cifs //bob:hunter2@s/share rw,user=bob,password=hunter2,pass=hunter2,nosuid\n"))
	if err != nil {
		t.Fatal(err)
	}
	m := record(&entries[0])
	all := strings.Join(append(append(m.Options, m.SuperOptions...), m.Source), " ")
	if strings.Contains(all, "hunter2") || !strings.Contains(all, "nosuid") || !strings.Contains(all, "user=bob") {
		t.Error(all)
	}
}

func TestCollect(t *testing.T) {
	var points []string
	c, err := New().Collect(context.Background(), &sensor.Host{Live: true}, func(r telemetry.Record) error {
		points = append(points, r.(*telemetry.Mount).Point)
		return nil
	})
	if err != nil || c.State != telemetry.Complete || len(points) == 0 {
		t.Errorf("%v, %+v, %v", points, c, err)
	}
	c, err = New().Collect(context.Background(), &sensor.Host{}, nil)
	if err != nil || c.State != telemetry.NotCollected {
		t.Errorf("of an image: %+v, %v", c, err)
	}
}
