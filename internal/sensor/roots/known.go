package roots

import "sync"

// Known remembers the owners of the files of one look for the next one, for as long as
// nothing is installed on the root that they are on. Its zero value knows nothing; it is
// safe for concurrent use.
type Known struct {
	mu    sync.Mutex
	roots map[identity]known
}

type known struct {
	stamp string            // of the root's databases of packages
	owner map[string]string // by path; "" where no package lists it
}

// of are the owners on a root whose databases have that stamp.
func (k *Known) of(r *Root, stamp string) map[string]string {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if found := k.roots[r.identity()]; found.stamp == stamp {
		return found.owner
	}
	return nil
}

// keep remembers what was wanted of a root, and nothing else.
func (k *Known) keep(r *Root, stamp string, owner map[string]string) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.roots == nil {
		k.roots = map[identity]known{}
	}
	k.roots[r.identity()] = known{stamp, owner}
}

// forget forgets the containers that are no more among these.
func (k *Known) forget(containers []*Root) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	there := map[identity]bool{}
	for _, r := range containers {
		there[r.identity()] = true
	}
	for id := range k.roots {
		if id.container != "" && !there[id] {
			delete(k.roots, id)
		}
	}
}

func (r *Root) identity() identity { return identity{r.device, r.inode, r.Container} }
