using System.Collections.Immutable;

namespace Plinth.Codegen.Diagrams;

/// <summary>
/// One group of boxes in columns, after Sugiyama: cycles are cut, columns are the longest ways, ways over several columns get a slot in
/// each
/// of them so that they run between boxes and never through one, the order within columns is that of the neighbours' middles, and heights
/// follow the neighbours as far as the order lets them. <see cref="DiagramRouting"/> draws the ways.
/// </summary>
sealed class DiagramColumns
{
    const double Gap = 26, SlotHeight = 10;
    const int Sweeps = 24;

    readonly List<Slot> _slots = [];
    readonly List<List<Slot>> _columns = [];
    readonly List<Link> _links = [];
    readonly ImmutableArray<DiagramEdge> _edges;

    public DiagramColumns(ImmutableArray<DiagramBox> boxes, ImmutableArray<DiagramEdge> edges, double heightMax)
    {
        _edges = edges;
        Dictionary<DiagramBox, Slot> slots = [];
        foreach (DiagramBox box in boxes) _slots.Add(slots[box] = new Slot { Box = box, Height = box.Height });
        (Slot From, Slot To, DiagramEdge Edge)[] arcs = [.. edges.Where(e => e.From != e.To).Select(e => (slots[e.From], slots[e.To], e))];
        SetColumns(CutCycles(arcs), heightMax);
        foreach (Slot slot in _slots.ToArray()) ColumnAt(slot.Column).Add(slot);
        foreach (var (from, to, edge) in arcs) Connect(from, to, edge);
        for (int i = 0; i < Sweeps; i++) Order(isRightward: i % 2 == 0);
        foreach (List<Slot> column in _columns) Stack(column);
        for (int i = 0; i < Sweeps; i++) Settle(isRightward: i % 2 == 0);
        double top = _slots.Min(s => s.Y);
        foreach (Slot slot in _slots) slot.Y -= top;
        Height = _slots.Max(s => s.Y + s.Height);
        DiagramRouting routing = new(_columns, _links, edges);
        routing.Run();
        Width = routing.Width;
        Height = Math.Max(Height, routing.Height);
    }

    public double Width { get; }

    public double Height { get; }

    /// <summary>A place in a column: a box, or a way that passes through.</summary>
    public sealed class Slot
    {
        public DiagramBox? Box { get; init; }

        public double Height { get; init; }

        public int Column { get; set; }

        public int Index { get; set; }

        public double Y { get; set; }

        public List<Link> Left { get; } = [];

        public List<Link> Right { get; } = [];
    }

    /// <summary>A part of a way, between two neighbouring columns.</summary>
    public sealed record Link(Slot From, Slot To, DiagramEdge Edge)
    {
        /// <summary>Where it meets the left and the right slot; heights from the top of the group.</summary>
        public double FromY { get; set; }

        public double ToY { get; set; }
    }

    public void Move(double x, double y)
    {
        foreach (Slot slot in _slots)
        {
            if (slot.Box is not { } box) continue;
            box.X += x;
            box.Y += y;
        }
        foreach (DiagramEdge edge in _edges)
        {
            for (int i = 0; i < edge.Way.Count; i++) edge.Way[i] = (edge.Way[i].X + x, edge.Way[i].Y + y);
        }
    }

    /// <summary>Pairs (left, right) without a cycle: what is referred to is left, but where that would go round.</summary>
    static List<(Slot Left, Slot Right)> CutCycles((Slot From, Slot To, DiagramEdge Edge)[] arcs)
    {
        ILookup<Slot, Slot> outgoing = arcs.ToLookup(a => a.From, a => a.To);
        Dictionary<Slot, int> state = [];
        HashSet<(Slot, Slot)> back = [];
        foreach (Slot start in arcs.Select(a => a.From))
        {
            if (!state.TryAdd(start, 1)) continue;
            Stack<(Slot Slot, IEnumerator<Slot> Next)> open = new([(start, outgoing[start].GetEnumerator())]);
            while (open.TryPeek(out var top))
            {
                if (!top.Next.MoveNext())
                {
                    state[top.Slot] = 2;
                    open.Pop();
                    continue;
                }
                Slot next = top.Next.Current;
                if (state.TryAdd(next, 1)) open.Push((next, outgoing[next].GetEnumerator()));
                else if (state[next] == 1) back.Add((top.Slot, next));
            }
        }
        return [.. arcs.Select(a => back.Contains((a.From, a.To)) ? (a.From, a.To) : (a.To, a.From)).Distinct()];
    }

    void SetColumns(List<(Slot Left, Slot Right)> pairs, double heightMax)
    {
        // Longest ways, by relaxation: the pairs have no cycle, so it ends after as many rounds as there are columns.
        for (bool isChanged = true; isChanged;)
        {
            isChanged = false;
            foreach (var (left, right) in pairs)
            {
                if (right.Column > left.Column) continue;
                right.Column = left.Column + 1;
                isChanged = true;
            }
        }
        // What nothing holds on the left stands next to what refers to it first.
        ILookup<Slot, Slot> rights = pairs.ToLookup(p => p.Left, p => p.Right);
        HashSet<Slot> held = [.. pairs.Select(p => p.Right)];
        foreach (Slot slot in _slots.Where(s => !held.Contains(s) && rights[s].Any())) slot.Column = rights[slot].Min(r => r.Column) - 1;
        // A column that is too tall becomes several; all behind it move on.
        int shift = 0;
        foreach (var column in _slots.GroupBy(s => s.Column).OrderBy(g => g.Key).ToArray())
        {
            double height = 0;
            int first = column.Key + shift;
            foreach (Slot slot in column.OrderByDescending(s => rights[s].Count()))
            {
                if (height > 0 && height + slot.Height > heightMax) (height, shift) = (0, shift + 1);
                height += slot.Height + Gap;
                slot.Column = column.Key + shift;
            }
        }
    }

    List<Slot> ColumnAt(int column)
    {
        while (_columns.Count <= column) _columns.Add([]);
        return _columns[column];
    }

    /// <summary>Links from column to column, with slots where the way passes through.</summary>
    void Connect(Slot from, Slot to, DiagramEdge edge)
    {
        var (left, right) = from.Column < to.Column ? (from, to) : (to, from);
        Slot at = left;
        for (int column = left.Column + 1; column < right.Column; column++)
        {
            Slot pass = new() { Height = SlotHeight, Column = column };
            _slots.Add(pass);
            ColumnAt(column).Add(pass);
            Join(at, pass, edge);
            at = pass;
        }
        Join(at, right, edge);
    }

    void Join(Slot left, Slot right, DiagramEdge edge)
    {
        Link link = new(left, right, edge);
        left.Right.Add(link);
        right.Left.Add(link);
        _links.Add(link);
    }

    void Order(bool isRightward)
    {
        for (int i = 0; i < _columns.Count; i++)
        {
            List<Slot> column = _columns[isRightward ? i : _columns.Count - 1 - i];
            for (int at = 0; at < column.Count; at++) column[at].Index = at;
            Dictionary<Slot, double> wished = column.ToDictionary(s => s, s => Middle(s, isRightward));
            List<Slot> ordered = [.. column.OrderBy(s => wished[s])];
            column.Clear();
            column.AddRange(ordered);
            for (int at = 0; at < column.Count; at++) column[at].Index = at;
        }
    }

    static double Middle(Slot slot, bool isRightward)
    {
        List<Link> links = isRightward ? slot.Left : slot.Right;
        if (links.Count == 0) return slot.Index;
        // A box's lines count: what leaves from its first line wants to be above what leaves from its last.
        return links.Average(l => isRightward ? Place(l.From, l, isRight: true) : Place(l.To, l, isRight: false));
    }

    static double Place(Slot slot, Link link, bool isRight)
    {
        if (slot.Box is not { } box) return slot.Index;
        bool isOwner = link.Edge.From == box;
        return slot.Index + (isOwner ? (link.Edge.Row + 1.0) / (box.Rows.Length + 2) : 0.5) - (isRight ? 0 : 0.0);
    }

    static void Stack(List<Slot> column)
    {
        double y = 0;
        foreach (Slot slot in column)
        {
            slot.Y = y;
            y += slot.Height + (slot.Box is null ? 6 : Gap);
        }
    }

    void Settle(bool isRightward)
    {
        for (int i = 0; i < _columns.Count; i++) Follow(_columns[isRightward ? i : _columns.Count - 1 - i]);
    }

    /// <summary>Each slot as near to where its neighbours are as the order lets it: least squares, by pooling what would overlap.</summary>
    static void Follow(List<Slot> column)
    {
        List<(double Sum, double Weight, int Count)> pools = [];
        double[] offsets = new double[column.Count];
        double offset = 0;
        for (int i = 0; i < column.Count; i++)
        {
            Slot slot = column[i];
            offsets[i] = offset;
            double weight = slot.Box is null ? 2 : 1;
            pools.Add(((Wish(slot) - offset) * weight, weight, 1));
            while (pools.Count > 1 && pools[^2].Sum / pools[^2].Weight > pools[^1].Sum / pools[^1].Weight)
            {
                var (sum, w, count) = pools[^1];
                pools.RemoveAt(pools.Count - 1);
                pools[^1] = (pools[^1].Sum + sum, pools[^1].Weight + w, pools[^1].Count + count);
            }
            bool isNarrow = slot.Box is null && i + 1 < column.Count && column[i + 1].Box is null;
            offset += slot.Height + (isNarrow ? 4 : Gap);
        }
        int at = 0;
        foreach (var (sum, weight, count) in pools)
        {
            for (int i = 0; i < count; i++, at++) column[at].Y = (sum / weight) + offsets[at];
        }
    }

    static double Wish(Slot slot)
    {
        double sum = 0;
        int count = 0;
        foreach (Link link in slot.Left)
        {
            sum += Anchor(link.From, link) - (Anchor(slot, link) - slot.Y);
            count++;
        }
        foreach (Link link in slot.Right)
        {
            sum += Anchor(link.To, link) - (Anchor(slot, link) - slot.Y);
            count++;
        }
        return count == 0 ? slot.Y : sum / count;
    }

    /// <summary>About where a link meets a slot.</summary>
    static double Anchor(Slot slot, Link link)
    {
        if (slot.Box is not { } box) return slot.Y + (slot.Height / 2);
        return link.Edge.From == box ? slot.Y + DiagramBox.HeadHeight + ((link.Edge.Row + 0.5) * DiagramBox.RowHeight)
            : slot.Y + Math.Min(slot.Height / 2, DiagramBox.HeadHeight);
    }
}
