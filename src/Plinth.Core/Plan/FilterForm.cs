using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>A CEL text of a request, checked, its literals taken out: texts that differ in literals only have one shape.</summary>
/// <param name="ShapeNumber">Equal for equal shapes.</param>
/// <param name="Shape">With slots from 0 in place of the literals.</param>
/// <param name="Literals">By slot.</param>
/// <param name="Entered">Models that its hops enter, each once.</param>
sealed record FilterForm(int ShapeNumber, CheckedExpression Shape, ImmutableArray<Value> Literals, ImmutableArray<Model> Entered);

/// <summary>
/// Reads the CEL texts of requests and remembers the latest: a client sends the same few. A shape is kept apart from its texts, so
/// that a text never seen before still finds the plans of its shape.
/// </summary>
sealed class FilterForms(AppSchema schema, Limits limits)
{
    readonly BoundedCache<KnownText> _byText = new(limits.Plans);
    readonly BoundedCache<NumberedShape> _shapes = new(limits.Plans);
    int _shapesMade;

    /// <param name="Form">Null when the text reads the caller or the clock: then it is folded for each request.</param>
    sealed record KnownText(CheckedExpression Whole, FilterForm? Form);

    sealed record NumberedShape(int Number, CheckedExpression Expression, ImmutableArray<Model> Entered);

    /// <summary>
    /// The form of a filter over records of the model; <c>malformed_filter</c> or <c>unknown_field</c> with the place otherwise.
    /// </summary>
    /// <param name="model">Whose records are filtered.</param>
    /// <param name="text">CEL.</param>
    /// <param name="context">The caller and the clock.</param>
    /// <param name="isLive">It is to be kept up to date, and nothing tells when the clock changes its outcome.</param>
    public Result<FilterForm> Of(Model model, string text, in EvaluationContext context, bool isLive = false)
    {
        ShapeText key = new(stackalloc char[512]);
        try
        {
            key.Add(model.Name);
            key.Add(text);
            if (_byText.Find(key.Text) is not { } known)
            {
                if (Read(model, text).Failed(out Fault? fault, out KnownText? read)) return fault;
                known = _byText.Keep(key.Text.ToString(), read);
            }
            if (isLive && known.Whole.ReadsNow)
            {
                return Faults.NotLive.Says(
                    "the filter looks at the clock (now), so its outcome changes without a change", "send the time as a value");
            }
            return known.Form ?? Form(model, PartialEvaluator.Fold(known.Whole, context));
        }
        finally
        {
            key.Dispose();
        }
    }

    Result<KnownText> Read(Model model, string text)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(text) > limits.FilterBytes)
        {
            return Faults.LimitExceeded.Says($"the filter is longer than {limits.FilterBytes} bytes (limits.filterBytes)");
        }
        if (FilterReader.Read(schema, model, text, limits).Failed(out Fault? fault, out CheckedExpression? whole)) return fault;
        return new KnownText(whole, whole.ReadsCaller || whole.ReadsNow ? null : Form(model, whole));
    }

    FilterForm Form(Model model, CheckedExpression whole)
    {
        var (shape, literals) = LiteralLifter.Lift(whole);
        string key = model.Name + " " + ShapeKey.Of(shape);
        if (_shapes.Find(key) is not { } numbered)
        {
            EnteredModels entered = new(schema);
            entered.Visit(shape.Root);
            numbered = _shapes.Keep(key, new NumberedShape(Interlocked.Increment(ref _shapesMade), shape, [.. entered.Models]));
        }
        return new FilterForm(numbered.Number, numbered.Expression, literals, numbered.Entered);
    }

    sealed class EnteredModels(AppSchema schema) : NodeVisitor
    {
        public List<Model> Models { get; } = [];

        public override void Visit(CheckedNode node)
        {
            if (node is HopNode hop)
            {
                Model target = schema.TargetOf(hop.Relation);
                if (!Models.Contains(target)) Models.Add(target);
            }
            base.Visit(node);
        }
    }
}
