// Package sqlite is the embedded store: one SQLite database in WAL mode with synchronous=FULL, written by one goroutine.
//
// Concurrent callers of Apply are gathered into one commit, so that they share its fsync; each has a savepoint of its own
// and is refused alone. Nobody is answered before the commit has returned. When a commit fails, nobody is acknowledged
// and the store halts: what is on disk is then known only to the next start, and a store that went on could acknowledge
// writes that rest on a lost one.
//
// The SQL in statements.go keeps to what PostgreSQL takes too ($1 parameters, ON CONFLICT, RETURNING); only the schema
// and the pragmas are SQLite's own. Callers encode their change into parameters before they queue, so that the writer
// only runs SQL. Reads come from a small pool of connections that cannot write.
//
// # When the disk fails
//
// An fsync that succeeds is trusted to have done its work, and a write to leave the bytes beside it as they are. Then:
//
//   - The process is killed: everything acknowledged is there (TestKilledProcessLosesNothing).
//   - The power fails: everything acknowledged is there, and what was in flight is there whole or not at all, whichever
//     parts of the writes since the last fsync had reached the medium (TestPowerCutLosesNothing). With Options.Relaxed the
//     last commits may be missing, and what is left is whole (TestPowerCutLosesRelaxedCommits).
//   - A write or an fsync of a commit fails, or the disk is full: nobody in that commit and nobody later is acknowledged,
//     all get ErrHalted, Ping too; reads go on, and the next Open has everything acknowledged
//     (TestFailedDiskHaltsTheStore, TestDiskFaultsLoseNothing, TestFullDiskLosesNothing).
//   - The log cannot be copied into the database: SQLite does not say so and the store goes on. The log keeps everything,
//     and grows until the copying succeeds or the disk is full (TestFailedCheckpointLosesNothing).
//   - The disk fails while the database is made: Open fails (TestDatabaseIsMadeWholeOrNot).
//
// Not covered: after an fsync that failed, Linux still shows what it will never write. Close leaves nothing of that
// behind. A process that is killed instead must not be followed by another one before the machine has restarted.
package sqlite
