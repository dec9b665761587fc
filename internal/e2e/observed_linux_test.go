package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
	"github.com/google/go-cmp/cmp"

	"assay/internal/testenv"
)

// TestObserved has the agent observe this machine while a program connects to another
// host by Telnet's port, and a program on that host listens on FTP's, too. What is seen
// arrives while the run goes on. The run is stopped, and tells AWS's own SDK of the
// client and the servers, and that it did not see all.
func TestObserved(t *testing.T) {
	testenv.NeedRoot(t)
	client, server := newIslands(t)
	for _, port := range []int{21, 23} {
		server.do("listen 0.0.0.0:%d", port)
	}
	w := newWorld(t, "")
	w.startService("")
	w.startAgent()
	w.heard()
	sdk := w.sdk()
	template := sdk.templateOf(sdk.packages(func(name string) bool { return name == behaviorName }))
	run, dials := "", 0
	w.until("something that was observed has come", func() bool {
		run, dials = sdk.startRun(template), 0
		for ended := time.Now().Add(10 * time.Second); time.Now().Before(ended); time.Sleep(100 * time.Millisecond) {
			client.do("dial 10.255.79.2:23")
			dials++
			if sdk.messages(run)["InspectorTcpV4Connection"] > 0 {
				return true
			}
		}
		sdk.stop(run, types.StopActionSkipEvaluation) // another test on this machine has filled the kernel's table
		return false
	})
	if state := sdk.state(run); state != "COLLECTING_DATA" {
		t.Errorf("the run is %s when something has come that was observed", state)
	}
	for range 3 {
		client.do("dial 10.255.79.2:23")
	}
	w.until("the last sensor that looks once has told", func() bool { return sdk.messages(run)["InspectorOperatingSystem"] > 0 })
	sdk.stop(run, types.StopActionStartEvaluation)
	if state := sdk.finish(run); !strings.HasPrefix(state, "COMPLETED") {
		t.Fatalf("the run is %s", state)
	}

	self, err := os.Readlink("/proc/self/exe")
	must(t, err)
	want := map[string]bool{
		"Medium Insecure client protocols (login) 23": true,
		"Informational Insecure server protocols 21":  true, "Informational Insecure server protocols 23": true,
	}
	found := map[string]bool{}
	for _, f := range sdk.described(run) {
		has := map[string]string{}
		for _, a := range f.Attributes {
			has[*a.Key] = aws.ToString(a.Value)
		}
		if has["EXECUTABLE"] != self {
			continue // other programs of this machine
		}
		found[fmt.Sprint(f.Severity, " ", *f.Id, " ", has["PORT"])] = true
		if has["REMOTE_ADDRESSES"] == "" {
			continue
		}
		if n, err := strconv.Atoi(has["CONNECTIONS"]); err != nil || n < 4 || n > dials+3 || has["REMOTE_ADDRESSES"] != "10.255.79.2" || !strings.Contains(*f.Description, "10.255.79.2") {
			t.Errorf("of %d connections is told %v: %s", dials+3, has, *f.Description)
		}
	}
	if d := cmp.Diff(want, found); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if out, _ := w.assay(0, "findings", run); !strings.Contains(out, "switched the sensors off") {
		t.Errorf("that the run was stopped is not told:\n%s", out)
	}
}

func (s sdk) stop(run string, action types.StopAction) {
	s.t.Helper()
	_, err := s.StopAssessmentRun(s.t.Context(), &inspector.StopAssessmentRunInput{AssessmentRunArn: aws.String(run), StopAction: action})
	must(s.t, err)
}

// messages counts what has come for a run, by message type.
func (s sdk) messages(run string) map[string]int64 {
	s.t.Helper()
	told, err := s.GetTelemetryMetadata(s.t.Context(), &inspector.GetTelemetryMetadataInput{AssessmentRunArn: aws.String(run)})
	must(s.t, err)
	count := map[string]int64{}
	for _, m := range told.TelemetryMetadata {
		count[*m.MessageType] = *m.Count
	}
	return count
}
