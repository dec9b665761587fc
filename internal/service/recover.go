package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"assay/internal/access"
	"assay/internal/audit"
	"assay/internal/store"
	"assay/internal/users"
)

// Recover makes a new access key for the administrator of a deployment, for who
// has its data folder; see users.Service.Recover. The service may run.
func Recover(ctx context.Context, c Config) (access.Credential, error) {
	s := &Service{config: c, folder: Folder(c.Data)}
	client, err := s.folder.Client() // it is one, and ours to read
	if err != nil {
		return access.Credential{}, err
	}
	if err := owned(c.Data); err != nil {
		return access.Credential{}, err
	}
	if _, err := os.Stat(s.keyring()); err != nil {
		return access.Credential{}, fmt.Errorf("the keyring of the deployment is needed (-keyring): %w", err)
	}
	if err := s.openStore(ctx); err != nil {
		return access.Credential{}, err
	}
	defer s.store.Close()
	// A key that was sealed under another keyring would be of no use, and harm.
	if sealed, ok, err := s.store.Setting(ctx, settingAdministrator); err != nil {
		return access.Credential{}, err
	} else if !ok {
		return access.Credential{}, errors.New("the database is of no deployment yet: is it another one (-database)?")
	} else if _, err := s.keys.Unwrap(ctx, sealed, []byte(settingAdministrator)); err != nil {
		return access.Credential{}, fmt.Errorf("%s is not the keyring of this database: %w", s.keyring(), err)
	}
	service := users.Service{Store: s.store, Vault: s.keys, Now: time.Now}
	made, err := service.Recover(ctx, s.keep(ctx))
	if err != nil {
		return access.Credential{}, err
	}
	if err := s.recordRecovery(client); err != nil {
		return made, err
	}
	client.AccessKey, client.Secret = made.KeyID, made.Secret
	return made, s.folder.writeClient(client)
}

// keep keeps a new key of the administrator's as the one that the service writes into
// client.json when it starts.
func (s *Service) keep(ctx context.Context) func(*store.Tx, access.Credential) error {
	return func(tx *store.Tx, made access.Credential) error {
		text, err := json.Marshal(made)
		if err != nil {
			return err
		}
		sealed, err := s.keys.Wrap(ctx, text, []byte(settingAdministrator))
		if err != nil {
			return fmt.Errorf("seal the administrator's access key: %w", err)
		}
		return tx.SetSetting(ctx, settingAdministrator, sealed)
	}
}

// recordRecovery records what did not come through the API.
func (s *Service) recordRecovery(client Client) error {
	log, err := audit.OpenBeside(s.folder.Audit(), "local")
	if err != nil {
		return err
	}
	defer log.Close()
	request, _ := json.Marshal(map[string]string{"userName": users.Administrator})
	return log.Append(audit.Event{
		Version: "1.08", Identity: audit.Identity{Type: "Root", Account: client.Account}, Time: time.Now().UTC().Truncate(time.Millisecond),
		Source: "assay", Name: "RecoverAdministrator", Region: client.Region, SourceIP: "localhost", UserAgent: "assay users recover", Request: request,
		ID: uuid.NewString(), RequestID: uuid.NewString(), Type: "AwsServiceEvent", Management: true, Account: client.Account, Category: "Management",
	})
}
