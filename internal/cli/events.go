package cli

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
)

func eventActions() []action {
	return []action{
		{"list", "", "list events, newest first, and what became of them", (*Command).listEvents},
		{"webhooks", "", "list webhooks", (*Command).listWebhooks},
		{"add", "URL", "send the events of a topic to a URL; prints the secret that signs them, once", (*Command).addWebhook},
		{"remove", "WEBHOOK", "remove a webhook; what was under way to it is undelivered", (*Command).removeWebhook},
		{"rotate", "WEBHOOK", "give a webhook another secret; for a day both sign", (*Command).rotateWebhook},
		{"test", "WEBHOOK", "send a test message to a webhook, and tell what came of it", (*Command).testWebhook},
		{"redrive", "EVENT|-all", "send an undelivered event again, or all", (*Command).redriveEvents},
	}
}

// maxEvents is how many events are listed.
const maxEvents = 500

func (c *Command) listEvents(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), set.Bool("json", false, "print JSON")
	undelivered := set.Bool("undelivered", false, "only events that were given up, or had nowhere to go")
	topic := set.String("topic", "", "only events for the topic with this `ARN`")
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	request := operator.NotificationsRequest{Undelivered: *undelivered, Topic: *topic}
	request.MaxResults = maxEvents
	var answer operator.NotificationsResponse
	if err := client.operator(ctx, operator.ListNotifications, request, &answer); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, answer.Notifications)
	}
	err = table(c.Stdout, "TIME\tEVENT\tTOPIC\tSTATE\tATTEMPTS\tDETAIL\tID", func(row func(...any)) {
		for _, n := range answer.Notifications {
			row(n.CreatedAt.Local().Format(time.DateTime), n.Event, n.Topic, n.State, attempts(n), n.Detail, n.ID)
		}
	})
	if err == nil && answer.NextToken != "" {
		fmt.Fprintf(c.Stderr, "There are more than these %d events.\n", maxEvents)
	}
	return err
}

func attempts(n operator.Notification) int {
	most := 0
	for _, d := range n.Deliveries {
		most = max(most, d.Attempts)
	}
	return most
}

func (c *Command) listWebhooks(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), set.Bool("json", false, "print JSON")
	client, err := c.connect(set, data, args, 0, 0)
	if err != nil {
		return err
	}
	var answer operator.WebhooksResponse
	if err := client.operator(ctx, operator.ListWebhooks, struct{}{}, &answer); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.Stdout, answer.Webhooks)
	}
	return table(c.Stdout, "WEBHOOK\tTOPIC\tFORMAT\tURL", func(row func(...any)) {
		for _, w := range answer.Webhooks {
			row(w.ID, w.Topic, w.Format, w.URL)
		}
	})
}

func (c *Command) addWebhook(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), set.Bool("json", false, "print JSON")
	topic := set.String("topic", "", "the topic's `ARN`; * for every topic that has no webhook of its own")
	format := set.String("format", "sns", "what is posted, the `form`: sns (the envelope of SNS), lambda (Records[].Sns), raw (the message alone)")
	plain := set.Bool("plain-http", false, "allow http:// to other hosts than the service's")
	ca := set.String("ca", "", "trust the certificates in this PEM `file` in place of the system's")
	if err := c.parse(set, args, 1, 1); err != nil {
		return err
	}
	if *topic == "" {
		return usagef("-topic names the topic whose events the webhook gets: an ARN, or '*'")
	}
	request := operator.WebhookRequest{Topic: *topic, URL: set.Arg(0), Format: inspector.WebhookFormat(*format), PlainHTTP: *plain}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return fmt.Errorf("read the certificates to trust: %w", err)
		}
		request.CA = string(pem)
	}
	return c.secret(ctx, *data, *asJSON, operator.CreateWebhook, request)
}

func (c *Command) rotateWebhook(ctx context.Context, set *flag.FlagSet, args []string) error {
	data, asJSON := dataFlag(set), set.Bool("json", false, "print JSON")
	if err := c.parse(set, args, 1, 1); err != nil {
		return err
	}
	return c.secret(ctx, *data, *asJSON, operator.RotateWebhookSecret, operator.WebhookID{ID: set.Arg(0)})
}

// secret calls an operation that answers with a webhook's secret, and prints it.
func (c *Command) secret(ctx context.Context, data string, asJSON bool, operation string, request any) error {
	client, err := c.newClient(data)
	if err != nil {
		return err
	}
	var answer operator.WebhookSecret
	if err := client.operator(ctx, operation, request, &answer); err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.Stdout, answer)
	}
	fmt.Fprintln(c.Stdout, answer.Secret) // alone, so that a script can take it
	fmt.Fprintf(text{c.Stderr}, `
This is the secret of the webhook %s, and it is not shown again: deliveries are
signed with it (docs/events.md). Where there was another, that one signs too for
a day. Try it: assay events test %s
`, answer.ID, answer.ID)
	return nil
}

func (c *Command) removeWebhook(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	if err := client.operator(ctx, operator.DeleteWebhook, operator.WebhookID{ID: set.Arg(0)}, nil); err != nil {
		return err
	}
	fmt.Fprintf(text{c.Stderr}, "The webhook %s is removed; what was under way to it is undelivered: assay events list -undelivered\n", set.Arg(0))
	return nil
}

func (c *Command) testWebhook(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	client, err := c.connect(set, data, args, 1, 1)
	if err != nil {
		return err
	}
	var answer operator.TestResponse
	if err := client.operator(ctx, operator.TestWebhook, operator.WebhookID{ID: set.Arg(0)}, &answer); err != nil {
		return err
	}
	if !answer.Delivered {
		return fmt.Errorf("the test message was not delivered: %s", answer.Error)
	}
	fmt.Fprintln(c.Stderr, "The test message was delivered.")
	return nil
}

func (c *Command) redriveEvents(ctx context.Context, set *flag.FlagSet, args []string) error {
	data := dataFlag(set)
	all := set.Bool("all", false, "send all undelivered events again")
	topic := set.String("topic", "", "with -all: only events for the topic with this `ARN`")
	if err := c.parse(set, args, 0, 1); err != nil {
		return err
	}
	if *all == (set.NArg() == 1) || *topic != "" && !*all {
		return usagef("name an event, or say -all")
	}
	client, err := c.newClient(*data)
	if err != nil {
		return err
	}
	var answer operator.RedriveResponse
	if err := client.operator(ctx, operator.RedriveNotifications, operator.RedriveRequest{IDs: set.Args(), All: *all, Topic: *topic}, &answer); err != nil {
		return err
	}
	if answer.Count == 0 && !*all {
		return fmt.Errorf("there is no undelivered event %s", set.Arg(0))
	}
	fmt.Fprintf(c.Stderr, "Events that are sent again: %d\n", answer.Count)
	return nil
}
