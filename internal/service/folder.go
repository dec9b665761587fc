package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"assay/internal/durable"
)

// Folder is a data folder: everything that a service keeps outside of a database
// server and an object store.
//
//	lock                held while a service runs on the folder
//	keys/keyring.json   the key-encryption key, unless -keyring names another; who has it can read everything
//	assay.db            the SQLite database, unless -database names another
//	objects/            sealed telemetry, unless -objects names another folder
//	ca.pem              the authority that clients and agents are to trust
//	audit/              the record of calls, a file a day
//	advisories/         what is known about vulnerabilities, unless -advisories names another folder
//	client.json         how to reach the service, with an administrator's key
//
// It is mode 0700.
type Folder string

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// CA is the path of the authority's certificate.
func (f Folder) CA() string { return f.path("ca.pem") }

// Audit is the folder of the record of calls.
func (f Folder) Audit() string { return f.path("audit") }

// Advisories is the folder of feeds and of the set that is built from them.
func (f Folder) Advisories() string { return f.path("advisories") }

// prepare makes the folder. One that others may enter is refused: the keys are
// in it.
func (f Folder) prepare() error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return private(string(f))
}

// Client is how to use a service: what `assay env` prints.
type Client struct {
	Endpoint  string `json:"endpoint"` // "https://localhost:8443"; empty where the replica has not the role api
	Gateway   string `json:"gateway"`  // where agents call
	Region    string `json:"region"`
	Account   string `json:"account"`
	AccessKey string `json:"access_key"`
	Secret    string `json:"secret"`
	Pin       string `json:"pin"` // of the authority, for assay-agent enroll -ca-pin
}

// Client reads how to use the service of a folder. It need not run.
func (f Folder) Client() (Client, error) {
	data, err := os.ReadFile(f.path("client.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Client{}, fmt.Errorf("%s is not the data folder of a service that has been started: start it with assay serve -data %s", f, f)
	}
	if err != nil {
		return Client{}, fmt.Errorf("read how to reach the service: %w", err)
	}
	var c Client
	if err := json.Unmarshal(data, &c); err != nil {
		return Client{}, fmt.Errorf("read how to reach the service: %s: %w", f.path("client.json"), err)
	}
	return c, nil
}

func (f Folder) writeClient(c Client) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(f.path("client.json"), append(data, '\n'))
}
