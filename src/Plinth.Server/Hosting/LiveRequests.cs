using Plinth.Http;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Rest;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Hosting;

/// <summary>The query of a subscription: a list's parameters as the body of a QUERY has them, and the model's name.</summary>
sealed class LiveRequests(Engine engine)
{
    static readonly string[] s_never = ["after", "before", "offset", "count", "trashed", "asOf"];

    public Result<(Model Model, ReadRequest Request)> Read(Caller caller, ReadOnlyMemory<byte> query)
    {
        Limits limits = engine.Limits;
        if (QueryBody.Parse(query, limits).Failed(out Fault? fault, out List<Parameter>? parameters)) return fault;
        int at = parameters.FindIndex(static p => p.Name == "model");
        if (at < 0) return Faults.MalformedParameter.Says("model: a live query names its model");
        string name = parameters[at].Text;
        parameters.RemoveAt(at);
        AppSchema schema = engine.Current.Schema;
        if (schema.FindModel(name) is not { } model)
        {
            return Faults.UnknownModel.Says(
                $"there is no model '{Shown.Name(name)}'", Names.DidYouMean(name, schema.Models.Select(static m => m.Name)));
        }
        foreach (Parameter parameter in parameters)
        {
            if (!s_never.Contains(parameter.Name)) continue;
            return Faults.NotLive.Says($"{parameter.Name} is no parameter of a live query",
                "it takes filter, sort, limit, include, select and search");
        }
        if (ReadParameters.List(engine.SeenBy(caller, model), parameters, limits).Failed(out fault, out ReadRequest? request)) return fault;
        return (model, request);
    }
}
