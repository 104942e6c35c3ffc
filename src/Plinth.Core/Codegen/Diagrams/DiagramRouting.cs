using System.Collections.Immutable;

namespace Plinth.Codegen.Diagrams;

/// <summary>
/// Ways at right angles. Between two columns lies a channel with as many tracks as are needed for no two upright lines to run over one
/// another; where several ways end at one box, they end side by side.
/// </summary>
sealed class DiagramRouting(List<List<DiagramColumns.Slot>> columns, List<DiagramColumns.Link> links, ImmutableArray<DiagramEdge> edges)
{
    const double TrackGap = 9, ChannelMargin = 26, PortGap = 9, LoopSize = 16;

    public double Width { get; private set; }

    public double Height { get; private set; }

    public void Run()
    {
        foreach (List<DiagramColumns.Slot> column in columns) foreach (DiagramColumns.Slot slot in column) Ports(slot);
        Dictionary<DiagramColumns.Link, double> trackX = [];
        double x = 0;
        double[] columnX = new double[columns.Count], columnWidth = new double[columns.Count];
        for (int i = 0; i < columns.Count; i++)
        {
            columnX[i] = x;
            columnWidth[i] = columns[i].Select(s => s.Box?.Width ?? 0).DefaultIfEmpty(0).Max();
            bool hasLoop = columns[i].Any(s => edges.Any(e => e.From == s.Box && e.To == s.Box));
            x += columnWidth[i] + (hasLoop ? LoopSize + 8 : 0);
            int column = i;
            Dictionary<DiagramColumns.Link, int> tracks = Tracks([.. links.Where(l => l.From.Column == column)], out int count);
            foreach (var (link, track) in tracks) trackX[link] = x + ChannelMargin + (track * TrackGap);
            Width = x;
            x += (2 * ChannelMargin) + (Math.Max(0, count - 1) * TrackGap);
        }
        Place(columnX, columnWidth);
        foreach (DiagramEdge edge in edges) Draw(edge, trackX, columnX, columnWidth);
    }

    /// <summary>Heights at which links meet a slot: at the line that holds the key, else side by side in the order of the other
    /// ends.</summary>
    static void Ports(DiagramColumns.Slot slot)
    {
        foreach (bool isRight in (ReadOnlySpan<bool>)[false, true])
        {
            List<DiagramColumns.Link> side = isRight ? slot.Right : slot.Left;
            List<DiagramColumns.Link> ends = [];
            foreach (DiagramColumns.Link link in side)
            {
                if (slot.Box is not { } box) Set(link, isRight, slot.Y + (slot.Height / 2));
                else if (link.Edge.From == box)
                    Set(link, isRight, slot.Y + DiagramBox.HeadHeight + ((link.Edge.Row + 0.5) * DiagramBox.RowHeight));
                else ends.Add(link);
            }
            ends = [.. ends.OrderBy(l => isRight ? l.To.Y + Offset(l.To, l) : l.From.Y + Offset(l.From, l))];
            double gap = Math.Min(PortGap, (slot.Height - 12) / Math.Max(1, ends.Count));
            double first = ends.Count == 1 ? slot.Y + (DiagramBox.HeadHeight / 2) : slot.Y + 8;
            for (int i = 0; i < ends.Count; i++) Set(ends[i], isRight, first + (i * gap));
        }
    }

    static double Offset(DiagramColumns.Slot slot, DiagramColumns.Link link) =>
        slot.Box == link.Edge.From && slot.Box is not null ? link.Edge.Row * DiagramBox.RowHeight : 0;

    static void Set(DiagramColumns.Link link, bool isRight, double y)
    {
        if (isRight) link.FromY = y;
        else link.ToY = y;
    }

    /// <summary>
    /// Upright lines that would overlap get tracks of their own. Those that go down are set from right to left as they begin lower, those
    /// that go up from left to right: so neighbours bend without crossing.
    /// </summary>
    static Dictionary<DiagramColumns.Link, int> Tracks(List<DiagramColumns.Link> channel, out int count)
    {
        Dictionary<DiagramColumns.Link, int> tracks = [];
        List<List<(double Low, double High)>> taken = [];
        foreach (DiagramColumns.Link link in channel.OrderBy(l => l.ToY >= l.FromY ? 0 : 1)
            .ThenBy(l => l.ToY >= l.FromY ? -l.FromY : l.FromY))
        {
            double low = Math.Min(link.FromY, link.ToY) - 5, high = Math.Max(link.FromY, link.ToY) + 5;
            if (high - low < 11) continue;
            int track = taken.FindIndex(t => t.TrueForAll(o => o.High <= low || o.Low >= high));
            if (track < 0)
            {
                track = taken.Count;
                taken.Add([]);
            }
            taken[track].Add((low, high));
            tracks[link] = track;
        }
        count = taken.Count;
        return tracks;
    }

    void Place(double[] columnX, double[] columnWidth)
    {
        for (int i = 0; i < columns.Count; i++)
        {
            foreach (DiagramColumns.Slot slot in columns[i])
            {
                if (slot.Box is not { } box) continue;
                box.X = columnX[i] + ((columnWidth[i] - box.Width) / 2);
                box.Y = slot.Y;
                Height = Math.Max(Height, box.Y + box.Height);
            }
        }
    }

    void Draw(DiagramEdge edge, Dictionary<DiagramColumns.Link, double> trackX, double[] columnX, double[] columnWidth)
    {
        if (edge.From == edge.To)
        {
            Loop(edge);
            return;
        }
        DiagramColumns.Link[] parts = [.. links.Where(l => l.Edge == edge).OrderBy(l => l.From.Column)];
        List<(double X, double Y)> way = [];
        foreach (DiagramColumns.Link part in parts)
        {
            if (part.From.Box is { } left) way.Add((left.X + left.Width, part.FromY));
            if (trackX.TryGetValue(part, out double x))
            {
                way.Add((x, part.FromY));
                way.Add((x, part.ToY));
            }
            else if (Math.Abs(part.FromY - part.ToY) > 0.01)
            {
                // A step too small for a track of its own is taken right before the next column.
                double step = columnX[part.To.Column] - 14;
                way.Add((step, part.FromY));
                way.Add((step, part.ToY));
            }
            if (part.To.Box is { } right) way.Add((right.X, part.ToY));
            else way.Add((columnX[part.To.Column] + columnWidth[part.To.Column], part.ToY));
        }
        if (parts[0].From.Box != edge.From) way.Reverse();
        edge.Way.AddRange(way);
    }

    void Loop(DiagramEdge edge)
    {
        double right = edge.From.X + edge.From.Width, y = edge.From.RowY(edge.Row), top = edge.From.Y + 8;
        edge.Way.AddRange([(right, y), (right + LoopSize, y), (right + LoopSize, top), (right, top)]);
        Width = Math.Max(Width, right + LoopSize);
    }
}
