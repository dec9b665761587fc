package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
	"github.com/aws/smithy-go"

	"assay/internal/access"
	"assay/internal/audit"
	"assay/internal/operator"
	"assay/internal/testenv"
	"assay/internal/testpg"
)

// onBoth runs a test with a service on each database.
func onBoth(t *testing.T, test func(t *testing.T, d *deployed)) {
	t.Run("SQLite", func(t *testing.T) { test(t, deploy(t, configIn(fresh(t)))) })
	t.Run("Postgres", func(t *testing.T) {
		c := configIn(fresh(t))
		c.Database = testpg.New(t)
		test(t, deploy(t, c))
	})
}

// deployed is a service that serves, and the administrator's credentials.
type deployed struct {
	t     *testing.T
	s     *Service
	http  *http.Client
	admin aws.Credentials
}

func deploy(t *testing.T, c Config) *deployed {
	t.Helper()
	s := open(t, c)
	stop := serving(t, s)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return &deployed{t, s, client(s), aws.Credentials{AccessKeyID: s.client.AccessKey, SecretAccessKey: s.client.Secret}}
}

// client trusts a service.
func client(s *Service) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.CA())
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func (d *deployed) sdk(c aws.Credentials) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(d.s.client.Endpoint), HTTPClient: d.http, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	})
}

// send signs a body with AWS's own signer and sends it.
func (d *deployed) send(c aws.Credentials, service, body string, headers ...string) (int, []byte) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.s.client.Endpoint+"/", strings.NewReader(body))
	check(d.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if c.AccessKeyID != "" {
		check(d.t, v4.NewSigner().SignHTTP(d.t.Context(), c, r, hashOf(body), service, "eu-central-1", time.Now()))
	}
	answer, err := d.http.Do(r)
	check(d.t, err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	check(d.t, err)
	return answer.StatusCode, data
}

// iam calls an operation on users; out may be nil.
func (d *deployed) iam(c aws.Credentials, operation string, in, out any) error {
	d.t.Helper()
	body, err := json.Marshal(in)
	check(d.t, err)
	status, data := d.send(c, "inspector", string(body), "X-Amz-Target", "IAMService."+operation)
	if status != http.StatusOK {
		return errors.New(string(data))
	}
	if out != nil {
		check(d.t, json.Unmarshal(data, out))
	}
	return nil
}

// user makes a user with policies and returns its key.
func (d *deployed) user(name string, policies ...string) aws.Credentials {
	d.t.Helper()
	check(d.t, d.iam(d.admin, "CreateUser", operator.UserRequest{User: name}, nil))
	for _, p := range policies {
		check(d.t, d.iam(d.admin, "AttachUserPolicy", operator.AttachRequest{User: name, Policy: p}, nil))
	}
	return d.key(name)
}

func (d *deployed) key(user string) aws.Credentials {
	d.t.Helper()
	var key operator.AccessKey
	check(d.t, d.iam(d.admin, "CreateAccessKey", operator.UserRequest{User: user}, &key))
	return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
}

func (d *deployed) policy(name, document string) {
	d.t.Helper()
	check(d.t, d.iam(d.admin, "PutPolicy", operator.PolicyRequest{Name: name, Document: document}, nil))
}

// lists tells whether somebody may list findings, with AWS's SDK.
func (d *deployed) lists(c aws.Credentials) error {
	_, err := d.sdk(c).ListFindings(d.t.Context(), &sdk.ListFindingsInput{})
	return err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPermissions(t *testing.T) {
	onBoth(t, func(t *testing.T, d *deployed) {
		ctx := t.Context()
		bob := d.user("bob", "AmazonInspectorReadOnlyAccess")
		check(t, d.lists(bob))
		_, err := d.sdk(bob).CreateResourceGroup(ctx, &sdk.CreateResourceGroupInput{ResourceGroupTags: []types.ResourceGroupTag{{Key: aws.String("a")}}})
		var denied *types.AccessDeniedException
		want := "User: arn:aws:iam::" + d.s.scope.Account + ":user/bob is not authorized to perform: inspector:CreateResourceGroup on resource: * because no identity-based policy allows the inspector:CreateResourceGroup action"
		if !errors.As(err, &denied) || denied.ErrorCode_ != types.AccessDeniedErrorCodeAccessDeniedToResourceGroup || *denied.Message != want || denied.CanRetry == nil || *denied.CanRetry {
			t.Errorf("got %v", err)
		}
		// Malformed and not allowed: it is the second that is told.
		if _, data := d.send(bob, "inspector", `{"nonsense`, "X-Amz-Target", "InspectorService.CreateResourceGroup"); !bytes.Contains(data, []byte("AccessDeniedException")) {
			t.Errorf("%s", data)
		}

		// An explicit deny of a group wins, at once.
		d.policy("no-findings", `{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Action":"inspector:*Findings","Resource":"*"}]}`)
		check(t, d.iam(d.admin, "CreateGroup", operator.GroupRequest{Group: "guests"}, nil))
		check(t, d.iam(d.admin, "AttachGroupPolicy", operator.AttachRequest{Group: "guests", Policy: "no-findings"}, nil))
		check(t, d.lists(bob))
		check(t, d.iam(d.admin, "AddUserToGroup", operator.MemberRequest{User: "bob", Group: "guests"}, nil))
		if err := d.lists(bob); err == nil || !strings.Contains(err.Error(), "inspector:ListFindings on resource: * with an explicit deny in an identity-based policy") {
			t.Errorf("got %v", err)
		}
		d.policy("no-findings", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"inspector:Delete*","Resource":"*"}]}`)
		check(t, d.lists(bob))

		// By the address: the tests call from this machine.
		for ranges, ok := range map[string]bool{`["127.0.0.0/8","::1"]`: true, `"203.0.113.0/24"`: false} {
			d.policy("from", `{"Statement":{"Effect":"Allow","Action":"inspector:List*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":`+ranges+`},"Bool":{"aws:SecureTransport":true}}}}`)
			carol := d.user("carol"+map[bool]string{true: "1", false: "2"}[ok], "from")
			if err := d.lists(carol); (err == nil) != ok {
				t.Errorf("from %s: %v", ranges, err)
			}
		}

		// What gives power is not Inspector's full access.
		eve := d.user("eve", "AmazonInspectorFullAccess")
		if err := d.iam(eve, "CreateAccessKey", operator.UserRequest{User: "administrator"}, nil); err == nil || !strings.Contains(err.Error(), "iam:CreateAccessKey") {
			t.Errorf("got %v", err)
		}
		if err := d.iam(eve, "AttachUserPolicy", operator.AttachRequest{User: "eve", Policy: "AdministratorAccess"}, nil); err == nil {
			t.Error("eve has made herself an administrator")
		}

		// A key that is disabled, enabled, deleted; a user that is deleted.
		key := operator.KeyRequest{ID: bob.AccessKeyID, Status: "Inactive"}
		check(t, d.iam(d.admin, "UpdateAccessKey", key, nil))
		var api smithy.APIError
		if err := d.lists(bob); !errors.As(err, &api) || api.ErrorCode() != "UnrecognizedClientException" {
			t.Errorf("a disabled key: %v", err)
		}
		key.Status = "Active"
		check(t, d.iam(d.admin, "UpdateAccessKey", key, nil))
		check(t, d.lists(bob))
		second := d.key("bob")
		if err := d.iam(d.admin, "CreateAccessKey", operator.UserRequest{User: "bob"}, nil); err == nil || !strings.Contains(err.Error(), "LimitExceededException") {
			t.Errorf("a third key: %v", err)
		}
		check(t, d.iam(d.admin, "DeleteAccessKey", key, nil))
		if d.lists(bob) == nil || d.lists(second) != nil {
			t.Error("the wrong key is gone")
		}
		check(t, d.iam(d.admin, "DeleteUser", operator.UserRequest{User: "bob"}, nil))
		if d.lists(second) == nil {
			t.Error("a user that is gone may list findings")
		}
		again := d.user("bob")
		if d.lists(second) == nil || d.lists(again) == nil {
			t.Error("another of that name has what the first had")
		}
	})
}

// session gets temporary credentials, as AWS's tools do.
func (d *deployed) session(c aws.Credentials, more string) (aws.Credentials, string) {
	d.t.Helper()
	status, data := d.send(c, "sts", "Action=GetSessionToken&Version=2011-06-15"+more, "Content-Type", "application/x-www-form-urlencoded")
	var out struct {
		Key     string    `xml:"GetSessionTokenResult>Credentials>AccessKeyId"`
		Secret  string    `xml:"GetSessionTokenResult>Credentials>SecretAccessKey"`
		Token   string    `xml:"GetSessionTokenResult>Credentials>SessionToken"`
		Expires time.Time `xml:"GetSessionTokenResult>Credentials>Expiration"`
	}
	check(d.t, xml.Unmarshal(data, &out))
	if status != http.StatusOK {
		return aws.Credentials{}, string(data)
	}
	return aws.Credentials{AccessKeyID: out.Key, SecretAccessKey: out.Secret, SessionToken: out.Token, Expires: out.Expires}, ""
}

func TestSessionTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, d *deployed) {
		bob := d.user("bob", "AmazonInspectorReadOnlyAccess")
		temporary, refused := d.session(bob, "")
		if left := time.Until(temporary.Expires); refused != "" || !strings.HasPrefix(temporary.AccessKeyID, "ASIA") || left < 11*time.Hour || left > 12*time.Hour {
			t.Fatalf("%v %s", temporary.Expires, refused)
		}
		check(t, d.lists(temporary))
		if _, err := d.sdk(temporary).DeleteAssessmentRun(t.Context(), &sdk.DeleteAssessmentRunInput{AssessmentRunArn: aws.String("x")}); err == nil || !strings.Contains(err.Error(), "user/bob is not authorized") {
			t.Errorf("got %v", err)
		}
		status, data := d.send(temporary, "sts", "Action=GetCallerIdentity&Version=2011-06-15", "Content-Type", "application/x-www-form-urlencoded")
		if status != http.StatusOK || !bytes.Contains(data, []byte(":user/bob</Arn>")) {
			t.Errorf("who am I: %d %s", status, data)
		}
		for more, want := range map[string]string{
			"&DurationSeconds=899": "between 900 and 129600", "&DurationSeconds=129601": "between 900 and 129600", "&DurationSeconds=x": "MalformedInput",
			"&SerialNumber=arn:aws:iam::1:mfa/x&TokenCode=123456": "AccessDenied",
		} {
			if _, refused := d.session(bob, more); !strings.Contains(refused, want) {
				t.Errorf("%s: %s", more, refused)
			}
		}
		if _, refused := d.session(temporary, ""); !strings.Contains(refused, "AccessDenied") {
			t.Errorf("a session of a session: %s", refused)
		}
		// An administrator's temporary credentials do not reach users.
		root, _ := d.session(d.admin, "&DurationSeconds=900")
		check(t, d.lists(root))
		if err := d.iam(root, "CreateUser", operator.UserRequest{User: "mallory"}, nil); err == nil || !strings.Contains(err.Error(), "temporary credentials may not") {
			t.Errorf("got %v", err)
		}
		// They end with the key that they were issued for.
		check(t, d.iam(d.admin, "UpdateAccessKey", operator.KeyRequest{ID: bob.AccessKeyID, Status: "Inactive"}, nil))
		var api smithy.APIError
		if err := d.lists(temporary); !errors.As(err, &api) || api.ErrorCode() != "UnrecognizedClientException" {
			t.Errorf("the session of a disabled key: %v", err)
		}
	})
}

const boto3Script = `
import json, os, boto3
from botocore.exceptions import ClientError
endpoint = os.environ["ENDPOINT"]
session = boto3.client("sts", endpoint_url=endpoint).get_session_token(DurationSeconds=900)["Credentials"]
out = {"key": session["AccessKeyId"][:4]}
c = boto3.client("inspector", endpoint_url=endpoint, aws_access_key_id=session["AccessKeyId"], aws_secret_access_key=session["SecretAccessKey"], aws_session_token=session["SessionToken"])
out["findings"] = c.list_findings()["findingArns"]
try:
    c.create_assessment_target(assessmentTargetName="x")
except c.exceptions.AccessDeniedException as e:
    out["denied"] = e.response["Error"]["Message"]
    out["code"] = e.response["errorCode"]
out["me"] = boto3.client("sts", endpoint_url=endpoint).get_caller_identity()["Arn"]
print(json.dumps(out))
`

func TestBoto3(t *testing.T) {
	python := testenv.Need(t, "/usr/bin/python3", "python3-boto3")
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		testenv.Missing(t, "boto3 (apt-get install python3-boto3)")
	}
	d := deploy(t, configIn(fresh(t)))
	bob := d.user("bob", "AmazonInspectorReadOnlyAccess")
	cmd := exec.CommandContext(t.Context(), python, "-c", boto3Script)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "ENDPOINT=" + d.s.client.Endpoint, "AWS_ACCESS_KEY_ID=" + bob.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + bob.SecretAccessKey,
		"AWS_DEFAULT_REGION=eu-central-1", "AWS_CA_BUNDLE=" + d.s.folder.CA(), "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	data, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var out struct {
		Key, Denied, Code, Me string
		Findings              []string
	}
	check(t, json.Unmarshal(data, &out))
	if out.Key != "ASIA" || out.Findings == nil || out.Code != "ACCESS_DENIED_TO_ASSESSMENT_TARGET" || !strings.Contains(out.Denied, "inspector:CreateAssessmentTarget") || !strings.HasSuffix(out.Me, ":user/bob") {
		t.Errorf("boto3 got %s", data)
	}
}

// A replica decides by what another has changed a moment ago.
func TestReplicasDecideAlike(t *testing.T) {
	database, shared := testpg.New(t), t.TempDir()
	var replicas []*deployed
	for range 2 {
		c := configIn(fresh(t))
		c.Database, c.Keyring, c.Objects = database, filepath.Join(shared, "keyring.json"), filepath.Join(shared, "objects")
		replicas = append(replicas, deploy(t, c))
	}
	one, two := replicas[0], replicas[1]
	bob := one.user("bob")
	temporary, _ := one.session(bob, "")
	for range 5 {
		for _, c := range []aws.Credentials{bob, temporary} {
			if two.lists(c) == nil {
				t.Fatal("bob may list findings")
			}
		}
		check(t, one.iam(one.admin, "AttachUserPolicy", operator.AttachRequest{User: "bob", Policy: "AmazonInspectorReadOnlyAccess"}, nil))
		check(t, two.lists(bob))
		check(t, two.lists(temporary))
		check(t, two.iam(two.admin, "DetachUserPolicy", operator.AttachRequest{User: "bob", Policy: "AmazonInspectorReadOnlyAccess"}, nil))
		if one.lists(bob) == nil {
			t.Fatal("bob may still list findings")
		}
	}
}

// Whoever has the data folder gets in again, whatever was done; with the service
// running, and without.
func TestRecover(t *testing.T) {
	onBoth(t, func(t *testing.T, d *deployed) {
		d.policy("nothing", `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)
		check(t, d.iam(d.admin, "CreateGroup", operator.GroupRequest{Group: "shut-out"}, nil))
		check(t, d.iam(d.admin, "AttachGroupPolicy", operator.AttachRequest{Group: "shut-out", Policy: "nothing"}, nil))
		check(t, d.iam(d.admin, "AttachUserPolicy", operator.AttachRequest{User: "administrator", Policy: "nothing"}, nil))
		if d.lists(d.admin) == nil {
			t.Fatal("a deny of all is no deny")
		}
		recovered := func() aws.Credentials {
			t.Helper()
			made, err := Recover(t.Context(), d.s.config)
			check(t, err)
			return aws.Credentials{AccessKeyID: made.KeyID, SecretAccessKey: made.Secret}
		}
		first := recovered()
		check(t, d.lists(first))
		if d.lists(d.admin) == nil {
			t.Error("the old key is still good")
		}
		check(t, d.iam(first, "AddUserToGroup", operator.MemberRequest{User: "administrator", Group: "shut-out"}, nil))
		check(t, d.lists(recovered()))
		check(t, d.iam(recovered(), "DeleteUser", operator.UserRequest{User: "administrator"}, nil))
		last := recovered()
		check(t, d.lists(last))
		client, err := d.s.folder.Client()
		if err != nil || client.AccessKey != last.AccessKeyID || client.Secret != last.SecretAccessKey {
			t.Errorf("client.json has the key %s, %v; want %s", client.AccessKey, err, last.AccessKeyID)
		}
		n := 0
		_, err = audit.Read(d.s.folder.Audit(), audit.Filter{Name: "RecoverAdministrator"}, func(audit.Event, []byte) error { n++; return nil })
		if err != nil || n != 4 {
			t.Errorf("%d recoveries are recorded, %v", n, err)
		}
	})
}

func TestRecoverRefuses(t *testing.T) {
	if _, err := Recover(t.Context(), configIn(fresh(t))); err == nil || !strings.Contains(err.Error(), "not the data folder") {
		t.Error(err)
	}
	c := configIn(fresh(t))
	closed(t, open(t, c))
	c.Keyring = filepath.Join(t.TempDir(), "keyring.json")
	if _, err := Recover(t.Context(), c); err == nil || !strings.Contains(err.Error(), "-keyring") {
		t.Error(err)
	}
	other := configIn(fresh(t))
	closed(t, open(t, other))
	c.Keyring = Folder(other.Data).path("keys/keyring.json")
	if _, err := Recover(t.Context(), c); err == nil || !strings.Contains(err.Error(), "not the keyring of this database") {
		t.Error(err)
	}
}

// A key of the administrator's that was deleted is not there again after a start,
// and one that was recovered is.
func TestAdministratorStaysDeleted(t *testing.T) {
	c := configIn(fresh(t))
	s := open(t, c)
	key := s.client.AccessKey
	check(t, s.access.users.DeleteUser(t.Context(), "administrator"))
	closed(t, s)
	s = open(t, c)
	if _, ok, err := s.store.AccessKey(t.Context(), key); ok || err != nil {
		t.Error("the key is there again", err)
	}
	closed(t, s)
	made, err := Recover(t.Context(), c)
	check(t, err)
	s = open(t, c)
	defer closed(t, s)
	if s.client.AccessKey != made.KeyID {
		t.Errorf("the client's key is %s, want %s", s.client.AccessKey, made.KeyID)
	}
}

func (d *deployed) events(f audit.Filter) (all []audit.Event) {
	d.t.Helper()
	_, err := audit.Read(d.s.folder.Audit(), f, func(e audit.Event, _ []byte) error { all = append(all, e); return nil })
	check(d.t, err)
	return all
}

func TestRecordOfCalls(t *testing.T) {
	onBoth(t, func(t *testing.T, d *deployed) {
		bob := d.user("bob", "AmazonInspectorReadOnlyAccess")
		check(t, d.lists(bob))
		temporary, _ := d.session(bob, "&DurationSeconds=900")
		_, err := d.sdk(temporary).CreateAssessmentTarget(t.Context(), &sdk.CreateAssessmentTargetInput{AssessmentTargetName: aws.String("web")})
		if err == nil {
			t.Fatal("it was allowed")
		}
		made, err := d.sdk(d.admin).CreateAssessmentTarget(t.Context(), &sdk.CreateAssessmentTargetInput{AssessmentTargetName: aws.String("web")})
		check(t, err)
		d.send(aws.Credentials{}, "", "{}", "X-Amz-Target", "InspectorService.ListFindings")
		wrong := bob
		wrong.SecretAccessKey = "guess"
		if d.lists(wrong) == nil {
			t.Fatal("a wrong secret is accepted")
		}

		one := func(f audit.Filter) audit.Event {
			t.Helper()
			all := d.events(f)
			if len(all) != 1 {
				t.Fatalf("%+v: %d events", f, len(all))
			}
			return all[0]
		}
		e := one(audit.Filter{User: "bob", Name: "ListFindings"})
		account := d.s.scope.Account
		if e.Version != "1.08" || e.Identity.Type != "IAMUser" || e.Identity.ARN != "arn:aws:iam::"+account+":user/bob" || e.Identity.AccessKey != bob.AccessKeyID ||
			!strings.HasPrefix(e.Identity.PrincipalID, "AIDA") || e.Source != "inspector.amazonaws.com" || e.Region != d.s.scope.Region || e.SourceIP == "" ||
			!strings.HasPrefix(e.UserAgent, "aws-sdk-go-v2/") || e.ErrorCode != "" || !e.ReadOnly || e.Type != "AwsApiCall" || e.Account != account ||
			len(e.ID) != 36 || len(e.RequestID) != 36 || e.ID == e.RequestID || time.Since(e.Time) > time.Minute || string(e.Response) != "null" {
			t.Errorf("%+v", e)
		}
		e = one(audit.Filter{User: "bob", Name: "CreateAssessmentTarget"})
		if e.ErrorCode != "AccessDeniedException" || !strings.Contains(e.ErrorMessage, "not authorized") || e.ReadOnly || e.Identity.AccessKey != temporary.AccessKeyID || e.Identity.Session == nil ||
			string(e.Request) != `{"assessmentTargetName":"web"}` || string(e.Response) != "null" {
			t.Errorf("%+v", e)
		}
		e = one(audit.Filter{User: "administrator", Name: "CreateAssessmentTarget"})
		if string(e.Response) != `{"assessmentTargetArn":"`+*made.AssessmentTargetArn+`"}` {
			t.Errorf("%s", e.Response)
		}
		e = one(audit.Filter{Name: "GetSessionToken"})
		if e.Source != "sts.amazonaws.com" || !strings.Contains(string(e.Response), temporary.AccessKeyID) || string(e.Request) != `{"DurationSeconds":"900"}` {
			t.Errorf("%+v %s", e, e.Response)
		}
		e = one(audit.Filter{Name: "CreateAccessKey"})
		if e.Source != "iam.amazonaws.com" || !strings.Contains(string(e.Response), bob.AccessKeyID) {
			t.Errorf("%+v", e)
		}
		strangers := 0
		for _, e := range d.events(audit.Filter{Errors: true}) {
			if e.Anonymous() {
				strangers++
				if !slices.Contains([]string{"MissingAuthenticationTokenException", "InvalidSignatureException"}, e.ErrorCode) || string(e.Request) != "null" {
					t.Errorf("%+v", e)
				}
			}
		}
		if strangers != 2 {
			t.Errorf("%d events of strangers", strangers)
		}
		files, err := filepath.Glob(filepath.Join(string(d.s.folder), "audit", "*"))
		check(t, err)
		for _, name := range files {
			data, err := os.ReadFile(name)
			check(t, err)
			for _, secret := range []string{bob.SecretAccessKey, temporary.SecretAccessKey, temporary.SessionToken, d.admin.SecretAccessKey} {
				if bytes.Contains(data, []byte(secret)) {
					t.Error("a secret is in the record of calls")
				}
			}
		}
	})
}

// While the record cannot be written, reading goes on and nothing is changed.
func TestNoChangeWithoutRecord(t *testing.T) {
	d := deploy(t, configIn(fresh(t)))
	check(t, d.lists(d.admin))
	dir := d.s.folder.Audit()
	check(t, os.Rename(dir, dir+".away"))
	check(t, d.s.access.audit.Close())
	check(t, d.lists(d.admin)) // its event is lost, and that is noticed
	err := d.iam(d.admin, "CreateUser", operator.UserRequest{User: "bob"}, nil)
	if err == nil || !strings.Contains(err.Error(), "ServiceTemporarilyUnavailableException") {
		t.Errorf("got %v", err)
	}
	check(t, d.lists(d.admin))
	check(t, os.Rename(dir+".away", dir))
	check(t, d.iam(d.admin, "CreateUser", operator.UserRequest{User: "bob"}, nil))
	if all := d.events(audit.Filter{Name: "CreateUser"}); len(all) == 0 || all[len(all)-1].ErrorCode != "" {
		t.Errorf("%+v", all)
	}
}

func TestLastUse(t *testing.T) {
	c := configIn(fresh(t))
	s := open(t, c)
	stop := serving(t, s)
	d := &deployed{t: t, s: s, http: client(s), admin: aws.Credentials{AccessKeyID: s.client.AccessKey, SecretAccessKey: s.client.Secret}}
	temporary, _ := d.session(d.admin, "")
	check(t, d.lists(temporary))
	check(t, stop())
	s = open(t, c)
	defer closed(t, s)
	k, ok, err := s.store.AccessKey(context.Background(), d.admin.AccessKeyID)
	if !ok || err != nil || time.Since(k.LastUsedAt) > time.Minute {
		t.Errorf("%v, %v, %v", k.LastUsedAt, ok, err)
	}
}

func TestPrincipalsAreNotTrustedToNameThemselves(t *testing.T) {
	d := deploy(t, configIn(fresh(t)))
	who := access.Principal{User: "administrator"} // a key whose user is gone
	if err := d.s.access.authorize(t.Context(), who, "inspector:ListFindings"); err == nil {
		t.Error("a user without an id may list findings")
	}
}
