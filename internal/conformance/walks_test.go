//lint:file-ignore SA1019 AWS no longer keeps its first SDK for Go; programs that were written with it go on.

package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	v2 "github.com/aws/aws-sdk-go-v2/service/inspector"

	"assay/internal/testenv"
)

// byReflection makes a caller of a client of AWS's SDKs for Go, whose methods have
// the names of the operations and take the input last.
func byReflection(client any, before ...any) caller {
	return func(operation, input string) ([]byte, error) {
		method := reflect.ValueOf(client).MethodByName(operation)
		if !method.IsValid() {
			return nil, fmt.Errorf("the SDK has no %s", operation)
		}
		args := []reflect.Value{}
		for _, arg := range before {
			args = append(args, reflect.ValueOf(arg))
		}
		in := reflect.New(method.Type().In(len(before)).Elem())
		if err := json.Unmarshal([]byte(input), in.Interface()); err != nil {
			return nil, err
		}
		out := method.Call(append(args, in))
		if err, _ := out[1].Interface().(error); err != nil {
			return nil, err
		}
		return json.Marshal(out[0].Interface())
	}
}

func TestWalkGoSDKv1(t *testing.T) {
	w := newWorld(t)
	c, _ := w.v1()
	w.walk(byReflection(c.Inspector))
}

func TestWalkGoSDKv2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := v2.NewFromConfig(aws.Config{
		Region: w.client.Region, BaseEndpoint: aws.String(w.client.Endpoint), HTTPClient: w.httpClient(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(w.client.AccessKey, w.client.Secret, ""),
	})
	w.walk(byReflection(client, context.Context(t.Context())))
}

// byProgram makes a caller of a program that reads {"operation", "input"} a line,
// and answers with a line of JSON, until its input ends.
func (w *world) byProgram(env []string, name string, args ...string) caller {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), name, args...)
	cmd.Env = env
	var failure bytes.Buffer
	cmd.Stderr = &failure
	to, err := cmd.StdinPipe()
	check(w.t, err)
	from, err := cmd.StdoutPipe()
	check(w.t, err)
	check(w.t, cmd.Start())
	w.t.Cleanup(func() {
		to.Close()
		cmd.Wait() // who has not answered was told of
	})
	answers := bufio.NewReader(from)
	return func(operation, input string) ([]byte, error) {
		if _, err := io.WriteString(to, `{"operation":"`+operation+`","input":`+input+"}\n"); err != nil {
			return nil, err
		}
		line, err := answers.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, failure.String())
		}
		return line, nil
	}
}

func TestWalkBoto3(t *testing.T) {
	t.Parallel()
	py := python(t)
	w := newWorld(t)
	w.walk(w.byProgram(w.environment(), py, "testdata/walk.py"))
}

func TestWalkJavaScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		testenv.Missing(t, "node (apt-get install nodejs)")
	}
	modules := testenv.NodeModules(t)
	for _, generation := range []string{"v2", "v3"} {
		t.Run(generation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.walk(w.byProgram(w.environment("NODE_PATH="+modules, "NODE_NO_WARNINGS=1"), node, "testdata/node/walk.js", generation))
		})
	}
}

var beginning = regexp.MustCompile(`([a-z])([A-Z])`)

// Every operation as a command of aws-cli: one process each.
func TestWalkAWSCLI(t *testing.T) {
	t.Parallel()
	cli := testenv.Need(t, "/usr/bin/aws", "awscli")
	w := newWorld(t)
	env := w.environment()
	w.walk(func(operation, input string) ([]byte, error) {
		command := strings.ToLower(beginning.ReplaceAllString(operation, "$1-$2"))
		cmd := exec.CommandContext(t.Context(), cli, "--endpoint-url", w.client.Endpoint, "--output", "json", "--no-paginate", "inspector", command, "--cli-input-json", input)
		cmd.Env = env
		var failure bytes.Buffer
		cmd.Stderr = &failure
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, failure.String())
		}
		return out, nil
	})
}
