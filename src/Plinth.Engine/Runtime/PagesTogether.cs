using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// The same of lists that include relations: the pages are one statement, and what they include is one for each relation, over the keys of
/// all pages. Those whose included records are asked for with other values (a claim that a rule compares, a filter, a limit) have
/// statements of their own, which go along. All of it is of one snapshot.
/// </summary>
/// <remarks>A record that several pages include is read once.</remarks>
sealed class PagesTogether(ReadProgram program, SqlText statement) : ListsTogether(program.Pace, statement)
{
    // How many lists have room beside one another, in eighths: less when their included records were too many for one answer.
    int _room = ListsMax * Eighths;

    const int Eighths = 8;

    protected override bool GoesOn => true;

    protected override int ItemsMax => Math.Max(1, Volatile.Read(ref _room) / Eighths);

    protected override async ValueTask<bool> ShareAsync(Reading reading, Statement rows, Waiting[] items)
    {
        List<Part> parts = [];
        try
        {
            if (!TryDivide(rows, items)) return false;
            foreach (Waiting item in items) Find(parts, reading, item).Add(item);
            bool isLast = true;
            foreach (Part part in parts) isLast &= part.Send();
            if (isLast) reading.Connection.EndRead();
            foreach (Part part in parts)
            {
                if (await part.IncludeAsync(reading.Cancel) is null) continue;
                // Too many for one answer are told to whose they are, when it asks by itself.
                if (items.Length > 1) Volatile.Write(ref _room, Math.Max(Eighths, items.Length * Eighths / 2));
                return false;
            }

            foreach (Part part in parts) part.Write();
            int room = Volatile.Read(ref _room);
            if (room < ListsMax * Eighths) Volatile.Write(ref _room, room + 1);
            return true;
        }
        finally
        {
            foreach (Part part in parts) part.Dispose();
            foreach (Waiting item in items)
            {
                item.Rows?.Dispose();
                item.Rows = null;
            }
        }
    }

    Part Find(List<Part> parts, in Reading reading, Waiting item)
    {
        foreach (Part part in parts)
        {
            if (part.IsAskedWith(item.Read.Values)) return part;
        }

        Part made = new(program, item, reading);
        parts.Add(made);
        return made;
    }

    /// <summary>Pages whose included records are asked for with the same values.</summary>
    sealed class Part(ReadProgram program, Waiting first, in Reading reading) : IDisposable
    {
        readonly ReadRun _run = new(program, first.Read, reading.Connection, ReadOnlyMemory<byte>.Empty, reading.Limits);
        readonly LevelRows _rows = new(program.Root, keeper: null);
        readonly List<(Waiting Item, int Start, int End)> _pages = [];
        Statement?[] _sent = [];

        public bool IsAskedWith(Value[] values)
        {
            foreach (int slot in program.IncludeSlots)
            {
                if (!values[slot].Equals(first.Read.Values[slot])) return false;
            }

            return true;
        }

        public void Add(Waiting item)
        {
            int start = _rows.Count;
            Statement row = item.Rows ?? throw new InvalidOperationException("a page without its rows");
            item.Page = ReadRun.PageOf(program, item.Read);
            while (row.Step() && item.Page.Take(row)) _rows.Add(row, 0);
            _pages.Add((item, start, _rows.Count));
        }

        /// <summary>Answers whether nothing follows what was sent.</summary>
        public bool Send()
        {
            _sent = _run.Send(program.Root, _rows);
            return ReadRun.IsLast(program.Root, _rows, _sent);
        }

        public ValueTask<Fault?> IncludeAsync(CancellationToken cancel) => _run.IncludeAsync(program.Root, _rows, _sent, cancel);

        public void Write()
        {
            foreach (var (item, start, end) in _pages)
            {
                PageWriter.Open(item.Output);
                for (int row = start; row < end; row++)
                {
                    if (row > start) item.Output.Write((byte)',');
                    _rows.Write(item.Output, row);
                }
            }
        }

        public void Dispose()
        {
            foreach (Statement? statement in _sent) statement?.Dispose();
            _rows.Dispose();
        }
    }
}
