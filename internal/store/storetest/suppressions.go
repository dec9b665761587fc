package storetest

import (
	"strings"
	"testing"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testSuppressions(t *testing.T, s *store.Store) {
	ctx := t.Context()
	make := func(id string, created, until int) inspector.Suppression {
		made := inspector.Suppression{
			ID: id, Package: inspector.PackageCVE, Rule: "cve", Finding: "CVE-2024-*", Subject: `a\*b`, Agent: "i-1", Hostname: "web-*",
			Attributes: []inspector.Attribute{{Key: "package_name", Value: "a<b"}}, Tags: []inspector.Tag{{Key: "env", Value: "test"}},
			Reason: strings.Repeat("ü", 1000), Author: "arn:aws:iam::123456789012:user/a", CreatedAt: at(created),
		}
		if until > 0 {
			made.Until = at(until)
		}
		return made
	}
	forever, ends, other := make("0-forever1", 1, 0), make("0-ends0001", 1, 10), make("0-aaaaaaaa", 2, 10)
	update(t, s, func(tx *store.Tx) error {
		for _, one := range []inspector.Suppression{other, ends, forever} {
			if err := tx.CreateSuppression(ctx, one, inspector.Limits{}); err != nil {
				return err
			}
		}
		return nil
	})
	found, err := s.Suppressions(ctx, []string{ends.ID, forever.ID, "0-nothing1"})
	equal(t, err, found, map[string]inspector.Suppression{ends.ID: ends, forever.ID: forever})

	for now, want := range map[int][]inspector.Suppression{9: {ends, forever, other}, 10: {forever}} {
		got, err := s.SuppressionsInForce(ctx, at(now))
		equal(t, err, got, want)
	}
	refused(t, s, inspector.LimitExceeded, "SUPPRESSION_LIMIT_EXCEEDED", func(tx *store.Tx) error {
		return tx.CreateSuppression(ctx, make("0-toomany1", 9, 0), inspector.Limits{Suppressions: 3})
	})
	// Those that have ended leave room.
	update(t, s, func(tx *store.Tx) error {
		return tx.CreateSuppression(ctx, make("0-later001", 10, 0), inspector.Limits{Suppressions: 3})
	})
	refused(t, s, inspector.NoSuchEntity, "SUPPRESSION_DOES_NOT_EXIST", func(tx *store.Tx) error {
		return tx.RevokeSuppression(ctx, "0-nothing1", "b", at(5))
	})
	for n, by := range []string{"b", "c"} { // the second time changes nothing
		update(t, s, func(tx *store.Tx) error { return tx.RevokeSuppression(ctx, forever.ID, by, at(5+n)) })
	}
	forever.RevokedAt, forever.RevokedBy = at(5), "b"
	got, err := s.SuppressionsInForce(ctx, at(10))
	equal(t, err, got, []inspector.Suppression{make("0-later001", 10, 0)})

	var listed []inspector.Suppression
	page := inspector.Page{Limit: 1}
	for {
		some, next, err := s.ListSuppressions(ctx, page)
		if err != nil || len(some) != 1 {
			t.Fatal(len(some), err)
		}
		listed = append(listed, some...)
		if page.After = next; next == "" {
			break
		}
	}
	equal(t, nil, listed, []inspector.Suppression{ends, forever, other, make("0-later001", 10, 0)})
	_, _, err = s.ListSuppressions(ctx, inspector.Page{After: "nonsense"})
	if err == nil {
		t.Error("a page that was not given out is answered")
	}
}
