// Package notify is the courier of events: it takes what waits in the outbox to
// webhooks and to the real SNS, until it has arrived or is given up.
//
// An Outbox (package assess's, over the database) says which destinations have
// something due, and gives out one delivery at a time for each: so a topic is told
// in order, as far as everything arrives, and an endpoint that is slow or down
// holds up nobody but itself. Whatever arrived and could not be written down is
// sent again, with the same id.
//
// Webhooks are signed as the Standard Webhooks say
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
package notify
