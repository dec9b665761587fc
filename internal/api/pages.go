package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/go-json-experiment/json"

	"assay/internal/inspector"
)

// Sizes of pages.
const (
	defaultPage    = 10
	exclusionsPage = 100
	maxPage        = 500
)

// paging is a list operation's page: which it is, and how to name the next one.
//
// A page token is what the store wants to go on from, with a keyed hash over it,
// the operation, the query and the account: a token goes on with the list that it
// came from, or is refused. Only the size of the page may change on the way.
type paging struct {
	inspector.Page
	binding []byte
	key     []byte
}

const macSize = 16

// page reads the two members that all list operations have. query is everything
// else that selects and orders what is listed.
func (s *Server) page(operation string, query any, token string, maxResults *int64, size int) (paging, error) {
	if maxResults != nil {
		if *maxResults < 1 || *maxResults > maxPage {
			return paging{}, inspector.Errorf(inspector.InvalidInput, codeMaxResults, "maxResults must be between 1 and %d, not %d", maxPage, *maxResults)
		}
		size = int(*maxResults)
	}
	binding, err := json.Marshal([]any{operation, s.Scope.Account, s.Scope.Region, query}, json.Deterministic(true))
	if err != nil {
		return paging{}, err
	}
	p := paging{inspector.Page{Limit: size}, binding, s.TokenKey}
	if token == "" {
		return p, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil && len(data) > macSize {
		p.After = string(data[macSize:])
	}
	if !hmac.Equal([]byte(p.token(p.After)), []byte(token)) {
		return paging{}, inspector.Errorf(inspector.InvalidInput, codeToken, "nextToken is not one that this list has given out")
	}
	return p, nil
}

// token names the page that goes on after a place; empty on the last page.
func (p paging) token(after string) string {
	if after == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(p.mac([]byte(after)), after...))
}

func (p paging) mac(after []byte) []byte {
	bound := sha256.Sum256(p.binding)
	mac := hmac.New(sha256.New, p.key)
	mac.Write(bound[:])
	mac.Write(after)
	return mac.Sum(nil)[:macSize]
}
