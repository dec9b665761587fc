package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/notify"
	"assay/internal/release"
	"assay/internal/rules/cve"
	"assay/internal/service"
)

// defaultData is the data folder of a service that was not told another.
const defaultData = "data"

// listFlag is a flag that may be repeated, or given once with commas.
type listFlag []string

func (l *listFlag) String() string { return strings.Join(*l, ",") }

func (l *listFlag) Set(value string) error {
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	return nil
}

// serviceFlags are the settings of a service.
type serviceFlags struct {
	config service.Config
	roles  listFlag
	names  listFlag

	proxies listFlag
	network networkFlags
	level   string
	format  string
	rules   rulesFlags
}

// rulesFlags are the limits that rules know and an operator may set.
type rulesFlags struct {
	maxAge, minLength int
	advisoriesAge     int
	unfixed           string
}

func (f *rulesFlags) register(set *flag.FlagSet) {
	set.IntVar(&f.maxAge, "password-maximum-age", 365, "the `days` that the rule about the maximum age of passwords allows")
	set.IntVar(&f.minLength, "password-minimum-length", 8, "the `characters` that the rule about the minimum length of passwords wants")
	set.IntVar(&f.advisoriesAge, cve.SettingMaximumAge, cve.DefaultMaximumAge, "the `days` that advisories may be old: what is older is compared with, and what was published since is told not to be known")
	set.StringVar(&f.unfixed, cve.SettingUnfixed, cve.UnfixedHideNegligible, "which vulnerabilities without a fix are findings, the `choice`: show, hide-negligible (all but those that their vendor calls unimportant), hide; what is hidden is counted")
}

func (f *rulesFlags) settings() (map[string]string, error) {
	if f.maxAge < 1 || f.minLength < 1 || f.minLength > 64 {
		return nil, usagef("a maximum age is at least 1 day, a minimum length 1 to 64 characters")
	}
	if f.advisoriesAge < 1 {
		return nil, usagef("advisories may be old for at least 1 day")
	}
	if err := cve.CheckUnfixed(f.unfixed); err != nil {
		return nil, usageError{err}
	}
	return map[string]string{
		"password-maximum-age": strconv.Itoa(f.maxAge), "password-minimum-length": strconv.Itoa(f.minLength),
		cve.SettingMaximumAge: strconv.Itoa(f.advisoriesAge), cve.SettingUnfixed: f.unfixed,
	}, nil
}

// Where the doors are, if they are not told to be elsewhere.
const (
	usualAPI     = "127.0.0.1:8443"
	usualGateway = "127.0.0.1:8444"
)

func (f *serviceFlags) register(set *flag.FlagSet) {
	c := &f.config
	set.StringVar(&c.Data, "data", defaultData, "keep everything below this `folder`")
	set.StringVar(&c.API, "api", usualAPI, "serve the Inspector API at this `address`")
	set.StringVar(&c.Gateway, "gateway", usualGateway, "serve the agents at this `address`; without the role gateway: where another replica does")
	set.StringVar(&c.Metrics, "metrics", "", "serve Prometheus metrics without TLS at this `address`; they are always at /metrics of -api for callers on this machine")
	set.StringVar(&c.Database, "database", "", "keep the state in this `database`, postgres://...; default SQLite in the data folder")
	set.StringVar(&c.Keyring, "keyring", "", "the keyring's `file`, which replicas share; default keys/keyring.json in the data folder")
	set.StringVar(&c.Objects, "objects", "", "keep sealed telemetry in this `folder`, which replicas share; default objects in the data folder")
	set.StringVar(&c.Scope.Region, "region", "", "the `region` that ARNs carry; kept from the first start on")
	set.StringVar(&c.Scope.Account, "account", "", "the 12-digit `account` that ARNs carry; generated at the first start and kept")
	set.Var(&f.roles, "roles", "run only these `roles`: api, gateway, worker")
	set.Var(&f.names, "name", "a host `name` or address by which clients and agents reach the service; may be repeated")
	set.DurationVar(&c.Interval, "heartbeat", 30*time.Second, "time between an agent's heartbeats")
	set.DurationVar(&c.Retention, "retention", 30*24*time.Hour, "destroy telemetry and its key so long after a run")
	set.DurationVar(&c.Grace, "grace", 5*time.Minute, "wait so long for uploads once a run's time is over")
	set.IntVar(&c.Limits.Targets, "limit-targets", 50, "how many assessment targets there may be")
	set.IntVar(&c.Limits.Templates, "limit-templates", 500, "how many assessment templates there may be")
	set.IntVar(&c.Limits.Runs, "limit-runs", 50_000, "how many assessment runs there may be")
	set.IntVar(&c.Limits.RunningHosts, "limit-running-hosts", 500, "how many hosts may be in running assessments")
	set.DurationVar(&c.AuditRetention, "audit-retention", 90*24*time.Hour, "keep the record of calls so long; 0: for ever")
	set.Var(&f.proxies, "trusted-proxy", "an `address` or range of proxies before the API whose X-Forwarded-For is believed; may be repeated")
	set.IntVar(&c.Limits.Schedules, "limit-schedules", 500, "how many schedules there may be")
	set.IntVar(&c.Limits.Suppressions, "limit-suppressions", 1000, "how many suppressions may be in force")
	set.StringVar((*string)(&c.SNS), "sns", string(notify.SNSAuto), "whether events go to topics of the real SNS, the `mode`: off, on, or auto (with AWS credentials, topics without a webhook of their own)")
	set.BoolVar(&c.RematchAfterUpdate, "rematch-after-update", false, "match stored telemetry again when the service gets new advisories, see assay rematch")
	set.BoolVar(&c.FirstBytes, "look-at-first-bytes", false, "have runs of Runtime Behavior Analysis recognise protocols by the first bytes of connections, which do not leave the hosts' kernels")
	set.StringVar(&c.Advisories, "advisories", "", "the `folder` of the advisories, see assay feeds; default advisories in the data folder")
	set.DurationVar(&c.FeedsUpdate, "feeds-update", 0, "fetch the feeds that are followed so often; 0: never, leave it to assay feeds update")
	f.network.register(set)
	f.rules.register(set)
	set.StringVar(&f.level, "log-level", "info", "log from this `level` on: debug, info, warn, error")
	set.StringVar(&f.format, "log-format", "text", "log as `text` or json")
}

// settle turns the flags into a configuration.
func (c *Command) settle(f *serviceFlags) (service.Config, error) {
	config := f.config
	config.Names = f.names
	config.Version = release.Version()
	var err error
	if config.RulesSettings, err = f.rules.settings(); err != nil {
		return config, err
	}
	if config.TrustedProxies, err = prefixes(f.proxies); err != nil {
		return config, err
	}
	for _, role := range f.roles {
		config.Roles = append(config.Roles, service.Role(role))
	}
	if err := checkService(config); err != nil {
		return config, usageError{err}
	}
	if config.Feeds, err = f.network.client(0); err != nil {
		return config, err
	}
	// What `assay env` has put into this shell are keys of Assay's, not of AWS's.
	if c.Getenv(envEndpoint) != "" {
		if config.SNS == notify.SNSOn {
			return config, usagef("-sns on needs AWS credentials, but this shell has those of Assay ($%s is set): run the service in another shell", envEndpoint)
		}
		config.SNS = notify.SNSOff
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return config, usagef("%q is no log level: debug, info, warn, error", f.level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch f.format {
	case "text":
		config.Log = slog.New(slog.NewTextHandler(c.Stderr, options))
	case "json":
		config.Log = slog.New(slog.NewJSONHandler(c.Stderr, options))
	default:
		return config, usagef("%q is no log format: text, json", f.format)
	}
	return config, nil
}

// prefixes reads addresses and ranges of them.
func prefixes(texts []string) (out []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if ip, ipErr := netip.ParseAddr(text); ipErr == nil && ip.Zone() == "" {
			p, err = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
		}
		if err != nil || p.Addr().Is4In6() {
			return nil, usagef("%q is no address or range of proxies: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// checkService tells what is wrong with a configuration, before anything is made
// of it.
func checkService(c service.Config) error {
	if err := service.CheckRoles(c.Roles, c.Database); err != nil {
		return err
	}
	for _, name := range c.Names {
		if net.ParseIP(name) == nil && strings.ContainsAny(name, ":/ ") {
			return fmt.Errorf("%q cannot be a name: one is a host's name or address, without scheme and port", name)
		}
	}
	if c.Interval < time.Second || c.Interval > time.Hour {
		return fmt.Errorf("heartbeats are 1s to 1h apart, not %v", c.Interval)
	}
	if c.FeedsUpdate != 0 && c.FeedsUpdate < 10*time.Minute {
		return fmt.Errorf("feeds are fetched every 10m at most, not every %v", c.FeedsUpdate)
	}
	if c.AuditRetention != 0 && c.AuditRetention < 24*time.Hour {
		return fmt.Errorf("the record of calls is kept for a day at least, not %v", c.AuditRetention)
	}
	if !c.SNS.Valid() {
		return fmt.Errorf("there is no -sns %q: off, auto, on", c.SNS)
	}
	if c.Retention <= 0 || c.Grace <= 0 {
		return errors.New("retention and grace are longer than nothing")
	}
	if min(c.Limits.Targets, c.Limits.Templates, c.Limits.Runs, c.Limits.RunningHosts, c.Limits.Schedules, c.Limits.Suppressions) < 1 {
		return errors.New("a limit is at least 1")
	}
	if region := c.Scope.Region; region != "" && !inspector.ValidRegion(region) {
		return fmt.Errorf("%q cannot be a region: one looks like eu-central-1", region)
	}
	if account := c.Scope.Account; account != "" && !inspector.ValidAccount(account) {
		return fmt.Errorf("%q cannot be an account: one has 12 digits", account)
	}
	return nil
}

func (c *Command) serve(ctx context.Context, set *flag.FlagSet, args []string) error {
	var flags serviceFlags
	flags.register(set)
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	config, err := c.settle(&flags)
	if err != nil {
		return err
	}
	s, err := service.Open(ctx, config)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

func (c *Command) env(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := set.String("data", defaultData, "the service's data `folder`")
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	folder := service.Folder(*data)
	use, err := folder.Client()
	if err != nil {
		return err
	}
	if use.Endpoint == "" {
		return noAPI(*data)
	}
	bundle, err := filepath.Abs(folder.CA()) // clients run elsewhere, too
	if err != nil {
		return err
	}
	for _, line := range [][2]string{
		{envKey, use.AccessKey}, {envSecret, use.Secret}, {envRegion, use.Region},
		{envBundle, bundle}, {"AWS_ENDPOINT_URL_INSPECTOR", use.Endpoint}, {envEndpoint, use.Endpoint},
	} {
		fmt.Fprintf(c.Stdout, "export %s=%s\n", line[0], shellQuote(line[1]))
	}
	return nil
}

// shellQuote quotes for POSIX shells.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (c *Command) version(_ context.Context, set *flag.FlagSet, args []string) error {
	if err := c.parse(set, args, 0, 0); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout, "assay", release.Version())
	return nil
}
