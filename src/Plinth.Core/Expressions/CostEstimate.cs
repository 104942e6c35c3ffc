namespace Plinth.Expressions;

/// <summary>
/// How many steps an evaluation may take, before it runs: each part is one, and a loop takes its body once for each item. What the
/// expression writes out is counted; of what is stored a usual size is assumed, since the bound at run time counts what is really there.
/// </summary>
static class CostEstimate
{
    /// <summary>Items of a stored list, a relation or an open document that a loop is assumed to meet.</summary>
    public const int ItemsAssumed = 100;

    public static long Of(CheckedNode node)
    {
        Counter counter = new();
        counter.Visit(node);
        return counter.Steps;
    }

    sealed class Counter : NodeVisitor
    {
        // Of the body that is visited: how often it is assumed to run.
        long _times = 1;
        readonly Dictionary<int, CheckedNode> _bound = [];

        public long Steps { get; private set; }

        public override void Visit(CheckedNode node)
        {
            Steps = Sum(Steps, _times);
            switch (node)
            {
                case QuantifierNode quantifier: Loop(quantifier.Range, quantifier.Body, null); break;
                case TransformNode transform: Loop(transform.Range, transform.Filter, transform.Transform); break;
                case BindNode bind:
                    _bound[bind.Variable.Id] = bind.Value;
                    base.Visit(node);
                    break;
                case InNode { List: not ListNode } within:
                    Steps = Sum(Steps, Product(_times, Items(within.List)));
                    base.Visit(node);
                    break;
                default: base.Visit(node); break;
            }
        }

        void Loop(CheckedNode range, CheckedNode? first, CheckedNode? second)
        {
            Visit(range);
            long outer = _times;
            _times = Product(_times, Items(range));
            if (first is not null) Visit(first);
            if (second is not null) Visit(second);
            _times = outer;
        }

        long Items(CheckedNode range) => range switch
        {
            ListNode list => list.Items.Length,
            MapNode map => map.Entries.Length,
            TransformNode { Kind: not TransformKind.Entries } transform => Items(transform.Range),
            VariableNode variable when _bound.TryGetValue(variable.Id, out CheckedNode? value) => Items(value),
            _ => ItemsAssumed,
        };

        static long Sum(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;

        static long Product(long a, long b) => b != 0 && a > long.MaxValue / b ? long.MaxValue : a * b;
    }
}
