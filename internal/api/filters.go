package api

import (
	"net/http"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// durations reads a range of seconds; an end that is left out is open.
func durations(in *model.DurationRange, code string) (inspector.DurationRange, error) {
	var out inspector.DurationRange
	if in == nil {
		return out, nil
	}
	if in.MinSeconds != nil {
		out.Min = time.Duration(*in.MinSeconds) * time.Second
	}
	if in.MaxSeconds != nil {
		out.Max = time.Duration(*in.MaxSeconds) * time.Second
	}
	if out.Max != 0 && out.Min > out.Max {
		return out, inspector.Errorf(inspector.InvalidInput, code, "minSeconds is greater than maxSeconds")
	}
	return out, nil
}

// times reads a range of time; an end that is left out is open. Without a code of
// its own a wrong range is a ValidationException.
func times(in *model.TimestampRange, code string) (inspector.TimeRange, error) {
	if in == nil {
		return inspector.TimeRange{}, nil
	}
	out := inspector.TimeRange{Begin: in.BeginDate.Time, End: in.EndDate.Time}
	if !out.Begin.IsZero() && !out.End.IsZero() && out.Begin.After(out.End) {
		const message = "beginDate is later than endDate"
		if code == "" {
			return out, &protocolError{http.StatusBadRequest, "ValidationException", message}
		}
		return out, inspector.Errorf(inspector.InvalidInput, code, message)
	}
	if !out.End.IsZero() {
		// Clients are told milliseconds: a time that they were told is within a range
		// that ends with it, whatever its microseconds.
		out.End = out.End.Add(time.Millisecond - time.Microsecond)
	}
	return out, nil
}

// packageFilter reads ARNs of rules packages. Each stands for the package that it
// names, under whatever ARN templates name that: a filter with the ARN of one
// region finds what was assessed under that of another.
func (s *Server) packageFilter(arns []string) ([]string, error) {
	out, seen := []string{}, map[inspector.PackageID]bool{}
	for _, text := range arns {
		if _, err := packageResource.parse(text); err != nil {
			return nil, err
		}
		switch id, ok := inspector.ResolvePackage(text); {
		case !ok:
			out = append(out, text) // nothing has it
		case !seen[id]:
			seen[id] = true
			out = append(out, s.Scope.PackageARNs(id)...)
		}
	}
	return out, nil
}

// named gives strings that were checked against the model their type of the domain.
func named[T ~string](in []string) []T {
	out := make([]T, len(in))
	for i, text := range in {
		out[i] = T(text)
	}
	return out
}

func attributesOf(in []model.Attribute) []inspector.Attribute {
	out := make([]inspector.Attribute, len(in))
	for i, a := range in {
		out[i] = inspector.Attribute{Key: a.Key, Value: a.Value}
	}
	return out
}
