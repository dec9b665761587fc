package access

import "context"

type principalKey struct{}

// With notes for an operation who calls it.
func With(ctx context.Context, who Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, who)
}

// Caller is who calls the operation whose context this is; ok is false where nobody
// is known.
func Caller(ctx context.Context) (who Principal, ok bool) {
	who, ok = ctx.Value(principalKey{}).(Principal)
	return who, ok
}
