package csaf

import (
	"fmt"
)

// Bounds of a product tree. CSAF has at most 30 branches one in the other; a chain of
// relationships is two long with modules.
const (
	maxBranches = 30
	maxChain    = 8
)

// products are the products of a document by their ids.
type products struct {
	named   map[string]*product
	related map[string]*relationship
	groups  map[string][]string
}

func (t *tree) products() (*products, error) {
	p := &products{named: map[string]*product{}, related: map[string]*relationship{}, groups: map[string][]string{}}
	for i := range t.Products {
		if err := p.name(&t.Products[i]); err != nil {
			return nil, err
		}
	}
	if err := p.branches(t.Branches, 1); err != nil {
		return nil, err
	}
	for i := range t.Relationships {
		r := &t.Relationships[i]
		if r.Full.ID == "" || r.Component == "" || r.Of == "" {
			return nil, fmt.Errorf("relationship %d of the product tree lacks an id", i+1)
		}
		p.related[r.Full.ID] = r
	}
	for _, g := range t.Groups {
		p.groups[g.ID] = g.Products
	}
	return p, nil
}

func (p *products) branches(all []branch, depth int) error {
	if depth > maxBranches {
		return fmt.Errorf("the product tree has more than %d branches one in the other", maxBranches)
	}
	for i := range all {
		if all[i].Product != nil {
			if err := p.name(all[i].Product); err != nil {
				return err
			}
		}
		if err := p.branches(all[i].Branches, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// name takes a product. The same one may be in several branches (Red Hat lists some
// under each architecture): the one that says more stays.
func (p *products) name(x *product) error {
	if x.ID == "" {
		return fmt.Errorf("the product %.80q of the product tree has no id", x.Name)
	}
	if old := p.named[x.ID]; old == nil || old.Helper.PURL == "" && old.Helper.CPE == "" {
		p.named[x.ID] = x
	}
	return nil
}

// chain is what an id is about, from the innermost component to the platform: rpm,
// maybe module, product. Nil if the tree does not have all of it.
func (p *products) chain(id string) []*product {
	var chain []*product
	for range maxChain {
		if r, ok := p.related[id]; ok {
			component := p.chainOf(r.Component)
			if component == nil {
				return nil
			}
			chain = append(chain, component)
			id = r.Of
			continue
		}
		x := p.named[id]
		if x == nil {
			return nil
		}
		return append(chain, x)
	}
	return nil
}

// chainOf is a component, which may itself be a relationship: then what it is of
// is its own business, and its component counts.
func (p *products) chainOf(id string) *product {
	for range maxChain {
		r, ok := p.related[id]
		if !ok {
			return p.named[id]
		}
		id = r.Component
	}
	return nil
}

// all are a remark's products, those of its groups too.
func (p *products) all(r *remark) []string {
	ids := r.Products
	for _, g := range r.Groups {
		ids = append(ids[:len(ids):len(ids)], p.groups[g]...)
	}
	return ids
}
