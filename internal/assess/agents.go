package assess

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/wire"
)

// AgentID is the id of the agent with a public key (SubjectPublicKeyInfo, DER).
// It follows from the key and the service's secret: who enrols again with the
// same key, because the answer was lost, is the same agent, and nobody can make
// a key for another's id.
func (s *Service) AgentID(publicKey []byte) string {
	mac := hmac.New(sha256.New, derive(s.secret, "agent ids"))
	mac.Write(publicKey)
	return "i-" + hex.EncodeToString(mac.Sum(nil))[:17]
}

// enrolAgain is how long an enrolment may be repeated without another use of
// the token.
const enrolAgain = time.Hour

// Enroll makes the host with this id an agent, with the tags of the token. The
// caller has checked that the host has the id's key.
func (s *Service) Enroll(ctx context.Context, token, agent string, facts wire.HostFacts, version string) error {
	err := s.update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		rows, err := tx.Agents(ctx, []string{agent})
		if err != nil {
			return err
		}
		row, exists := rows[agent]
		if row.Revoked {
			return unknownAgent(agent)
		}
		t, err := tx.UseToken(ctx, identity.HashToken(token), now)
		if exists && now.Sub(row.EnrolledAt) < enrolAgain && (errors.Is(err, store.ErrTokenUsedUp) || errors.Is(err, store.ErrTokenExpired)) {
			return nil // the answer to the first time was lost
		}
		if err != nil {
			return badToken(err)
		}
		row.ID, row.EnrolledAt, row.Tags = agent, now, t.Tags
		applyFacts(&row, facts, version)
		return tx.SaveAgent(ctx, row)
	})
	if err == nil {
		s.pulses.forget(agent)
	}
	return err
}

func badToken(err error) error {
	for _, known := range []error{store.ErrTokenUnknown, store.ErrTokenExpired, store.ErrTokenUsedUp} {
		if errors.Is(err, known) {
			return refuse(CodeBadToken, "%s: make a new one (assay agents token)", known)
		}
	}
	return fmt.Errorf("use an enrolment token: %w", err)
}

// Revoke shuts an agent out. It cannot be undone: the host has to enrol with a
// new key. Other replicas stop answering its heartbeats within two minutes; they
// take nothing else from it at once.
func (s *Service) Revoke(ctx context.Context, agent string) error {
	err := s.update(ctx, func(tx *store.Tx) error {
		rows, err := tx.Agents(ctx, []string{agent})
		if err != nil {
			return err
		}
		row, ok := rows[agent]
		if !ok {
			return inspector.Errorf(inspector.NoSuchEntity, "", "there is no agent %s", agent)
		}
		row.Revoked = true
		return tx.SaveAgent(ctx, row)
	})
	if err == nil {
		s.pulses.forget(agent)
	}
	return err
}

// Admit tells whether an agent may talk to the service: nil, or what to tell it.
func (s *Service) Admit(ctx context.Context, agent string) error {
	_, err := s.admitted(ctx, agent)
	return err
}

func (s *Service) admitted(ctx context.Context, agent string) (inspector.Agent, error) {
	rows, err := s.Store.Agents(ctx, []string{agent})
	if err != nil {
		return inspector.Agent{}, err
	}
	row, ok := rows[agent]
	if !ok || row.Revoked {
		return inspector.Agent{}, unknownAgent(agent)
	}
	return row, nil
}

func unknownAgent(agent string) error {
	return refuse(CodeUnknownAgent, "the agent %s was revoked, or never enrolled at this service: enrol the host again with a new key (assay-agent enroll)", agent)
}
