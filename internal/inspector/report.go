package inspector

import "time"

// ReportType is how much a report tells.
type ReportType string

// The types: what was found, and beside that every rule that was checked.
const (
	ReportFinding ReportType = "FINDING"
	ReportFull    ReportType = "FULL"
)

// ReportFormat is the form of a report.
type ReportFormat string

// The formats.
const (
	ReportHTML ReportFormat = "HTML"
	ReportPDF  ReportFormat = "PDF"
)

// ReportStatus is how far a report is.
type ReportStatus string

// The statuses.
const (
	ReportInProgress ReportStatus = "WORK_IN_PROGRESS"
	ReportCompleted  ReportStatus = "COMPLETED"
	ReportFailed     ReportStatus = "FAILED"
)

// Report is a report that somebody asked for.
type Report struct {
	ID          string // random, and secret: who has it and a signature can read the report
	Run         string
	Type        ReportType
	Format      ReportFormat
	Status      ReportStatus
	Blob        string // the object of the document
	Size        int64  // of the document in bytes, once it is there
	RequestedAt time.Time
	DoneAt      time.Time // zero while it is in progress
}
