package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/agent/gatewaytest"
	"assay/internal/agent/state"
	"assay/internal/agent/uplink"
	"assay/internal/wire"
)

func enrolled(t *testing.T) (Identity, *gatewaytest.Gateway) {
	t.Helper()
	g := gatewaytest.New(t)
	trust, err := uplink.TrustPin(g.Pin)
	if err != nil {
		t.Fatal(err)
	}
	id, err := Enroll(t.Context(), Request{Server: g.URL, Token: gatewaytest.Token, Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	return id, g
}

func TestSavedAndLoaded(t *testing.T) {
	id, _ := enrolled(t)
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("before it was saved: %v", err)
	}
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil || got.Agent != id.Agent || string(got.Key) != string(id.Key) || !got.NotAfter().Equal(id.NotAfter()) {
		t.Errorf("it came back as %v: %v", got, err)
	}
	for _, text := range []string{fmt.Sprint(id), fmt.Sprintf("%+v", id), fmt.Sprintf("%#v", id)} {
		if strings.Contains(text, "PRIVATE") || strings.Contains(text, "[45 45") {
			t.Errorf("the key is printed: %s", text)
		}
	}
}

func TestDamagedIdentities(t *testing.T) {
	id, _ := enrolled(t)
	other, _ := enrolled(t)
	tests := map[string]func(*Identity){
		"another's key":  func(i *Identity) { i.Key = other.Key },
		"another's id":   func(i *Identity) { i.Agent = "i-0123456789abcdef0" },
		"no id":          func(i *Identity) { i.Agent = "../../x" },
		"no CA":          func(i *Identity) { i.CA = []byte("x") },
		"no certificate": func(i *Identity) { i.Certificate = nil },
	}
	for name, damage := range tests {
		dir := t.TempDir()
		bad := id
		damage(&bad)
		if err := bad.Save(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil {
			t.Errorf("%s: it was loaded", name)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, state.IdentityFile), []byte(`{"key":"c2VjcmV0`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "enroll -force") || strings.Contains(err.Error(), "c2Vj") {
		t.Errorf("a torn file: %v", err)
	}
}

func TestRenewAt(t *testing.T) {
	id, _ := enrolled(t)
	life := id.pair.Leaf.NotAfter.Sub(id.pair.Leaf.NotBefore)
	for _, late := range []float64{0, 0.5, 1} {
		part := float64(id.RenewAt(late).Sub(id.pair.Leaf.NotBefore)) / float64(life)
		if want := 2.0/3 + late/20; part < want-0.001 || part > want+0.001 {
			t.Errorf("it renews at %.3f of its life, want %.3f", part, want)
		}
	}
}

// answers is a service that renews as it is told.
type answers func(wire.RenewRequest) (wire.RenewResponse, error)

func (a answers) Renew(_ context.Context, r wire.RenewRequest) (wire.RenewResponse, error) {
	return a(r)
}

func TestBadRenewalsAreRefused(t *testing.T) {
	id, _ := enrolled(t)
	other, _ := enrolled(t)
	tests := map[string]answers{
		"the old certificate": func(wire.RenewRequest) (wire.RenewResponse, error) {
			return wire.RenewResponse{Certificate: id.Certificate, CA: id.CA}, nil
		},
		"another's certificate": func(wire.RenewRequest) (wire.RenewResponse, error) {
			return wire.RenewResponse{Certificate: other.Certificate, CA: id.CA}, nil
		},
		"nothing":  func(wire.RenewRequest) (wire.RenewResponse, error) { return wire.RenewResponse{}, nil },
		"an error": func(wire.RenewRequest) (wire.RenewResponse, error) { return wire.RenewResponse{}, errors.New("no") },
	}
	for name, service := range tests {
		if _, err := id.Renew(t.Context(), service); err == nil {
			t.Errorf("%s: it was accepted", name)
		}
	}
	if id.NotAfter().Before(time.Now()) {
		t.Error("the old identity is no longer good")
	}
}
