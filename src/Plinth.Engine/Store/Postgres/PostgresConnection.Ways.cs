using Npgsql;

namespace Plinth.Store.Postgres;

/// <summary>
/// What goes to the server at once, and how its answers are taken. Usually all of them are waited for. A commit behind which the next
/// transaction begins is answered first, and the rest when it is asked for: meanwhile the server goes on.
/// </summary>
sealed partial class PostgresConnection
{
    /// <summary>
    /// Behind a commit: its answer makes that of the commit come at once, which would otherwise be kept back until the statements behind it
    /// are done. The next transaction is cut off from the failure of this one by the barrier.
    /// </summary>
    const string MarkText = "select 1";

    /// <summary>On its way: the part behind the mark has not been taken yet.</summary>
    Way? _way;

    /// <summary>Statements are gathered behind a commit that has not been sent.</summary>
    bool _isGoingOn;

    public override bool GoesOn => !isPooled;

    public override bool CommitThen(Func<bool> begin)
    {
        TakeRest();
        if (_isFailed) throw new StoreException(StoreFailure.Unavailable, "a failed transaction cannot be committed");
        PostgresRows mark = new();
        Later(new NpgsqlBatchCommand("commit"));
        Later(new NpgsqlBatchCommand(MarkText) { AppendErrorBarrier = true }, mark);
        int kept = _later.Count;
        (_inTransaction, _isGoingOn) = (false, true);
        bool isBegun = false;
        try
        {
            isBegun = begin();
        }
        finally
        {
            if (!isBegun) _later.RemoveRange(kept, _later.Count - kept);
            (_inTransaction, _isGoingOn) = (true, false);
        }

        if (!TakeTo(mark)) throw new StoreException(StoreFailure.Unavailable, "a commit was not answered");
        _inTransaction = isBegun;
        return isBegun;
    }

    /// <summary>Begins a stream of rows, on a session that is open and has nothing waiting.</summary>
    public NpgsqlRawCopyStream BeginCopy(string command)
    {
        NpgsqlConnection link = Link();
        Interlocked.Increment(ref _waysTaken);
        Count();
        return link.BeginRawBinaryCopy(command);
    }

    public Exception FailedCopy(Exception e) => Failed(e, [], _cancel);

    /// <summary>Lets the session go on; what was not read of the stream is not waited for, and its transaction has failed.</summary>
    public void EndCopy(NpgsqlRawCopyStream stream, bool isAtEnd)
    {
        try
        {
            using (stream)
            {
                if (!isAtEnd) stream.Cancel();
            }
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e) || e is OperationCanceledException or ObjectDisposedException)
        {
            // What is left of it nobody asks for.
        }

        _isFailed |= !isAtEnd && _inTransaction;
    }

    /// <summary>Sends what waits, and takes the answers up to one of them.</summary>
    bool TakeTo(PostgresRows mark)
    {
        Waiting[] sent = [];
        Waiting last = _later[^1];
        _later.RemoveAt(_later.Count - 1);
        Way? way = null;
        try
        {
            way = new Way(Batch(Link(), last, out sent), sent);
            way.Take(mark);
            if (way.IsDone) way.Dispose();
            else _way = way;
            return mark.IsAnswered;
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e))
        {
            way?.Dispose();
            throw Failed(e, sent, CancellationToken.None);
        }
    }

    /// <summary>Takes the answers that have been left, before anything else is sent.</summary>
    void TakeRest()
    {
        if (_way is not { } way) return;
        _way = null;
        try
        {
            using (way) way.Take(until: null);
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e))
        {
            throw Failed(e, way.Sent, CancellationToken.None);
        }
    }

    /// <summary>The same where nobody wants them.</summary>
    void Forget()
    {
        try
        {
            TakeRest();
        }
        catch (StoreException)
        {
            // Whoever asked for them does not ask any more.
        }
    }

    /// <summary>Statements that went together, and their answers, taken in order.</summary>
    sealed class Way(NpgsqlBatch batch, Waiting[] sent) : IDisposable
    {
        NpgsqlDataReader? _reader;
        int _next;

        public Waiting[] Sent => sent;

        /// <summary>Nothing is left to be taken.</summary>
        public bool IsDone => _next == sent.Length;

        public void Cancel() => batch.Cancel();

        /// <summary>Takes the answers up to some, or all.</summary>
        public void Take(PostgresRows? until)
        {
            bool isThere = true;
            if (_reader is null) _reader = batch.ExecuteReader();
            else isThere = _reader.NextResult();
            int from = _next;
            while (isThere)
            {
                int at = NextAnswered(sent, _next);
                if (_reader.FieldCount == 0 || at == sent.Length || sent[at].Rows is not { } rows) break;
                rows.Describe(_reader);
                while (_reader.Read()) rows.Add(_reader);
                _next = at + 1;
                if (ReferenceEquals(rows, until))
                {
                    Answer(sent.AsSpan(from, _next - from));
                    return;
                }

                isThere = _reader.NextResult();
            }

            // To the end, and not before: the driver says here what the last of them came to.
            _reader.Dispose();
            _next = sent.Length;
            Answer(sent.AsSpan(from));
        }

        public void Dispose()
        {
            try
            {
                _reader?.Dispose();
                batch.Dispose();
            }
            catch (Exception e) when (PostgresErrors.IsFromServer(e))
            {
                // What is left of it nobody asks for.
            }
        }
    }
}
