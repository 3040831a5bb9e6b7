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
package sqlite
