package api

import (
	"context"
	"database/sql"
	"slices"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/jobs"
)

// notedQueue is a queue whose jobs the test runs, when it says so: nothing happens
// beside a sequence. What it noted of a transaction that was not committed, or was
// tried again, has to do no harm.
type notedQueue struct {
	jobs.Queue
	noted []jobs.Job
}

func (q *notedQueue) Enqueue(ctx context.Context, tx *sql.Tx, job jobs.Job) error {
	q.noted = append(q.noted, job)
	return q.Queue.Enqueue(ctx, tx, job)
}

// work runs the jobs that make previews and reports and send events, some of them
// twice, as may happen.
func (p *property) work() {
	twice := draw(p, "twice", false, true)
	for _, job := range p.queue.noted {
		if job.Kind == "advance" {
			continue // ends are another action's
		}
		p.run1(job)
		if twice {
			p.run1(job)
		}
	}
	p.queue.noted = nil
	p.sendEvents()
	p.makePreviews()
	for _, r := range p.runs {
		for _, report := range r.reports {
			report.done = true
		}
	}
}

func (p *property) run1(job jobs.Job) {
	service := p.world.api.Commands.(*assess.Service)
	job.Attempt = 1
	if err := service.Handlers()[job.Kind](p.world.t.Context(), job); err != nil {
		p.Fatalf("the job %s %s: %v", job.Kind, job.Key, err)
	}
}

// advance takes a run into its next states as the service does, which tells its
// subscribers.
func (p *property) advance(r *modelRun, states ...inspector.RunState) {
	for _, to := range states {
		from := r.state
		r.become(p.now, to)
		p.tell(r, from)
	}
}

// end has the service end a run whose evaluations are done.
func (p *property) end(r *modelRun) {
	id := mustParse(r.arn).ID
	p.run1(jobs.Job{Kind: "advance", Key: id, Payload: []byte(id)})
	end := inspector.Completed
	if len(r.parts) == 0 || slices.ContainsFunc(r.parts, func(part *modelPart) bool { return !part.waiting }) {
		end = inspector.CompletedWithErrors
	}
	p.advance(r, end)
	if len(r.reported) > 0 && draw(p, "unsubscribe", true, false) {
		p.unsubscribeFrom(r.of, object{"resourceArn": r.template, "topicArn": r.reported[0].topic, "event": inspector.FindingReported}, "")
	}
	p.lookAtRun(r)
}
