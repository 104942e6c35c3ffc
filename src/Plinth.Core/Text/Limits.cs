namespace Plinth.Text;

/// <summary>Every bound of the product that a setting can move: its default, unit and setting. One page of the documentation is made
/// from it.</summary>
sealed record Limits
{
    public static readonly Limits Default = new();

    /// <summary>Characters of a name in the schema: the most that every database takes. Not a setting.</summary>
    public const int NameLength = 63;

    /// <summary>
    /// Steps that one <c>@upcast</c> of one value may take. Not a setting: what older events mean must not depend on one.
    /// </summary>
    public const int UpcastCost = 10_000;

    /// <summary>
    /// Full-text fields of one model that may have rules for reading: each doubles the searches of one statement. Not a setting.
    /// </summary>
    public const int RuledSearchFields = 3;

    /// <summary>Blocks within blocks of a text of HTML (<c>@html</c>); deeper ones lose their tags and keep their text. Not a
    /// setting.</summary>
    public const int HtmlDepth = 32;

    /// <summary>Bytes of a request body, but for bulk creates. <c>limits.bodyBytes</c></summary>
    public int BodyBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of a bulk create (array or NDJSON). <c>limits.bulkBytes</c></summary>
    public long BulkBytes { get; init; } = 256L << 20;

    /// <summary>Bytes of one record in a bulk create. <c>limits.recordBytes</c></summary>
    public int RecordBytes { get; init; } = 1 << 20;

    /// <summary>Nesting of a JSON or CBOR document. <c>limits.jsonDepth</c></summary>
    public int JsonDepth { get; init; } = 32;

    /// <summary>Query parameters of one request. <c>limits.parameters</c></summary>
    public int Parameters { get; init; } = 100;

    /// <summary>UTF-8 bytes of a filter. <c>limits.filterBytes</c></summary>
    public int FilterBytes { get; init; } = 8 << 10;

    /// <summary>Nodes of an expression after parsing. <c>limits.expressionNodes</c></summary>
    public int ExpressionNodes { get; init; } = 1000;

    /// <summary>Nesting of an expression. <c>limits.expressionDepth</c></summary>
    public int ExpressionDepth { get; init; } = 64;

    /// <summary>Steps one evaluation may take. <c>limits.expressionCost</c></summary>
    public int ExpressionCost { get; init; } = 100_000;

    /// <summary>Steps that an expression may be estimated to take before it runs; loops in loops multiply.
    /// <c>limits.expressionEstimate</c></summary>
    public long ExpressionEstimate { get; init; } = 100_000_000;

    /// <summary>Levels of include. <c>limits.includeDepth</c></summary>
    public int IncludeDepth { get; init; } = 5;

    /// <summary>Relations included by one request, over all levels. <c>limits.includes</c></summary>
    public int Includes { get; init; } = 20;

    /// <summary>Children fetched for one included to-many relation of one parent, when the request names none.
    /// <c>limits.includePage</c></summary>
    public int IncludePage { get; init; } = 100;

    /// <summary>Records that one included relation may lead to, over all parents of one level. <c>limits.includedRows</c></summary>
    public int IncludedRows { get; init; } = 20_000;

    /// <summary>
    /// Values of records of the past that are kept for the next reads of the same moment, some 100 bytes each. Not a setting.
    /// </summary>
    public const int PastValuesKept = 1_000_000;

    /// <summary>
    /// Bytes of single records of the past that are kept for the next reads of the same record and moment. Not a setting.
    /// </summary>
    public const int PastRecordBytesKept = 32 * 1024 * 1024;

    /// <summary>Times whose place in the log is remembered, for the next reads of the same time. Not a setting.</summary>
    public const int PastTimesKept = 4096;

    /// <summary>
    /// Entries of an index that one page of an audit passes in search of what is asked for; the next page goes on there. Not a setting.
    /// </summary>
    public const int AuditScan = 5_000;

    /// <summary>Events that the statistics of an audit count, the newest of the time asked for. Not a setting.</summary>
    public const int AuditStatistics = 15_000;

    /// <summary>
    /// Kinds of password hashes (Argon2id by its cost, bcrypt by its) whose work each sign-in does, so that it tells nobody which accounts
    /// there are. Not a setting.
    /// </summary>
    public const int PasswordKinds = 8;

    /// <summary>
    /// Rounds (as an exponent of two) of a bcrypt hash that was imported; a dearer one is nobody's password, for everybody's sign-in would
    /// do its work. Not a setting.
    /// </summary>
    public const int BcryptRounds = 15;

    /// <summary>The same of a hash of Argon2id: KiB of memory, passes over it, lanes. Not a setting.</summary>
    public const int PasswordMemoryKb = 4 << 20, PasswordPasses = 100, PasswordLanes = 16;

    /// <summary>Characters of a credential, ours or of others; a longer one is a bad one. Not a setting.</summary>
    public const int CredentialLength = 16 << 10;

    /// <summary>Bytes of the body of an <c>/auth</c> route.</summary>
    public const int AuthBodyBytes = 16 << 10;

    /// <summary>Relation hops on one path of a filter. <c>limits.hops</c></summary>
    public int Hops { get; init; } = 5;

    /// <summary>Sort keys of one request. <c>limits.sortKeys</c></summary>
    public int SortKeys { get; init; } = 8;

    /// <summary>Rows skipped by <c>offset</c>. <c>limits.offset</c></summary>
    public int Offset { get; init; } = 10_000;

    /// <summary>Changes that a read with <c>asOf</c> undoes: those of the model since then (of the record, by its key).
    /// <c>limits.asOfChanges</c></summary>
    public int AsOfChanges { get; init; } = 1_000_000;

    /// <summary>Rows that a filtered write or a cascade may change. <c>limits.writeRows</c></summary>
    public int WriteRows { get; init; } = 10_000;

    /// <summary>Rows of one bulk create. <c>limits.bulkRows</c></summary>
    public int BulkRows { get; init; } = 1_000_000;

    /// <summary>Hours for which the answer to an Idempotency-Key is kept. <c>idempotency.hours</c></summary>
    public int IdempotencyHours { get; init; } = 24;

    /// <summary>Groups that one aggregate may answer. <c>limits.groups</c></summary>
    public int Groups { get; init; } = 1000;

    /// <summary>Operations of one batch. <c>limits.batchOperations</c></summary>
    public int BatchOperations { get; init; } = 100;

    /// <summary>Commands waiting for the committer. <c>limits.writeQueue</c></summary>
    public int WriteQueue { get; init; } = 10_000;

    /// <summary>Commands of one tenant waiting for the committer. <c>limits.tenantQueue</c></summary>
    public int TenantQueue { get; init; } = 1000;

    /// <summary>Commands of one group. <c>limits.groupCommands</c></summary>
    public int GroupCommands { get; init; } = 256;

    /// <summary>Milliseconds that a request may take. <c>limits.requestMs</c></summary>
    public int RequestMs { get; init; } = 30_000;

    /// <summary>Milliseconds that one statement may take. <c>limits.statementMs</c></summary>
    public int StatementMs { get; init; } = 10_000;

    /// <summary>
    /// Milliseconds from which on the reads of a plan are slow: on a server they then share a quarter of the connections.
    /// <c>limits.slowMs</c>
    /// </summary>
    public int SlowMs { get; init; } = 100;

    /// <summary>Records of a live query that names no limit. <c>limits.liveRows</c></summary>
    public int LiveRows { get; init; } = 1000;

    /// <summary>Live queries of a node that differ in what they ask or in rights. <c>limits.liveQueries</c></summary>
    public int LiveQueries { get; init; } = 10_000;

    /// <summary>
    /// Events that a client of a live query may have missed and still be told what changed; beyond, it is given all items anew.
    /// <c>limits.liveMissed</c>
    /// </summary>
    public int LiveMissed { get; init; } = 10_000;

    /// <summary>Bytes of one message of a channel, as JSON: what fits into one notice between nodes.
    /// <c>limits.channelMessageBytes</c></summary>
    public int ChannelMessageBytes { get; init; } = 4096;

    /// <summary>Bytes of what one member of a channel shows of itself. <c>limits.channelPresenceBytes</c></summary>
    public int ChannelPresenceBytes { get; init; } = 512;

    /// <summary>Members of one channel on one node. <c>limits.channelMembers</c></summary>
    public int ChannelMembers { get; init; } = 1000;

    /// <summary>Channels, by their parameters, that have members on one node. <c>limits.channels</c></summary>
    public int Channels { get; init; } = 10_000;

    /// <summary>Bytes of a channel's parameters, as JSON. Not a setting.</summary>
    public const int ChannelParameterBytes = 1024;

    /// <summary>Seconds after which the members of a node that says nothing any more have left. Not a setting.</summary>
    public const int ChannelLeaseSeconds = 6;

    /// <summary>Notices to other nodes that wait to be sent; more are refused. Not a setting.</summary>
    public const int ChannelNotices = 10_000;

    /// <summary>Bytes of all files of the folder <c>public</c> together, which are answered from memory.
    /// <c>limits.publicBytes</c></summary>
    public long PublicBytes { get; init; } = 64L << 20;

    /// <summary>Bytes that the record cache may hold; 0 switches it off. <c>cache.bytes</c></summary>
    public long CacheBytes { get; init; } = 64L << 20;

    /// <summary>Prepared statements kept per connection. <c>limits.statements</c></summary>
    public int Statements { get; init; } = 512;

    /// <summary>Shapes of requests whose plans are kept per schema version; the same of filters. <c>limits.plans</c></summary>
    public int Plans { get; init; } = 2000;

    /// <summary>Plans kept per shape of request: one for each pattern of claims. <c>limits.shapePlans</c></summary>
    public int ShapePlans { get; init; } = 64;

    /// <summary>Foldings kept of the rules of one operation: one for each pattern of claims. <c>limits.folds</c></summary>
    public int Folds { get; init; } = 256;

    /// <summary>Patterns of claims whose view of the schema is known. <c>limits.claimPatterns</c></summary>
    public int ClaimPatterns { get; init; } = 1024;

    /// <summary>Views of the schema that are kept, each with its plans. <c>limits.views</c></summary>
    public int Views { get; init; } = 64;

    /// <summary>Texts of updates, by the columns they set, kept per model; the same of rule checks. <c>limits.writeTexts</c></summary>
    public int WriteTexts { get; init; } = 256;

    /// <summary>Descriptions (OpenAPI and the like) kept, one for each set of permitted operations. <c>limits.descriptions</c></summary>
    public int Descriptions { get; init; } = 64;

    /// <summary>
    /// Verified tokens that are remembered, of each kind: ours, those of other issuers, keys of programs. <c>limits.tokens</c>
    /// </summary>
    public int Tokens { get; init; } = 10_000;

    /// <summary>
    /// Bytes of an answer kept under an Idempotency-Key; a larger one is replayed without its body. <c>limits.answerBytes</c>
    /// </summary>
    public int AnswerBytes { get; init; } = 64 << 10;

    /// <summary>Bytes of one schema file. <c>limits.schemaBytes</c></summary>
    public int SchemaBytes { get; init; } = 10 << 20;

    /// <summary>Nesting of brackets in a schema. <c>limits.schemaDepth</c></summary>
    public int SchemaDepth { get; init; } = 100;

    /// <summary>Models, types, enums, unions and mixins of one schema together. <c>limits.schemaBlocks</c></summary>
    public int SchemaBlocks { get; init; } = 5000;

    /// <summary>Fields of one model or type. <c>limits.schemaFields</c></summary>
    public int SchemaFields { get; init; } = 500;

    /// <summary>Values of a YAML schema, each alias counted as what it stands for. <c>limits.yamlNodes</c></summary>
    public int YamlNodes { get; init; } = 2_000_000;

    /// <summary>Aliases of a YAML schema. <c>limits.yamlAliases</c></summary>
    public int YamlAliases { get; init; } = 1000;

    /// <summary>Findings that one reading of a schema reports. <c>limits.schemaFindings</c></summary>
    public int SchemaFindings { get; init; } = 500;
}
