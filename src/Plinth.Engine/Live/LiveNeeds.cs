using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;

namespace Plinth.Live;

/// <summary>What a query's outcome hangs on, as names of fields by model.</summary>
/// <param name="Own">Fields of the root's records.</param>
/// <param name="Related">
/// Of each model that is reached by a relation (the root's own, too, where it is reached so): the fields that matter. Whether a record
/// of it is there at all always does.
/// </param>
sealed record LiveNeeds(HashSet<string> Own, Dictionary<string, HashSet<string>> Related)
{
    public static LiveNeeds Of(AppSchema schema, ReadPlan plan)
    {
        Collector collector = new(schema, plan.Shape.Root.Model.Name);
        collector.Level(plan.Shape.Root, isRoot: true);
        string root = plan.Shape.Root.Model.Name;
        bool isAlsoRelated = collector.Related.ContainsKey(root);
        for (int i = 0; i < plan.Rules.Length; i++)
        {
            RuleNeed need = plan.Shape.Needs[i];
            bool isOfRoot = string.Equals(need.Model.Name, root, StringComparison.Ordinal);
            if (isOfRoot && (i == plan.Shape.Root.Need || need.Field is not null)) collector.Visit(plan.Rules[i], need.Model, isRoot: true);
            if (!isOfRoot || isAlsoRelated) collector.Visit(plan.Rules[i], need.Model, isRoot: false);
        }
        return new LiveNeeds(collector.Own, collector.Related);
    }

    sealed class Collector(AppSchema schema, string root) : NodeVisitor
    {
        string _model = root;
        bool _isRoot = true;

        public HashSet<string> Own { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, HashSet<string>> Related { get; } = new(StringComparer.Ordinal);

        public void Visit(FoldedRules rules, Model model, bool isRoot)
        {
            In(model.Name, isRoot);
            Visit(rules.Predicate.Root);
        }

        void In(string model, bool isRoot) => (_model, _isRoot) = (model, isRoot);

        public void Level(LevelShape level, bool isRoot)
        {
            In(level.Model.Name, isRoot);
            HashSet<string> fields = Fields();
            fields.UnionWith(level.Fields.Select(static f => f.Name));
            if (level.Search) fields.UnionWith(level.Model.FullText);
            foreach (SortTerm term in level.Sort) Visit(ShortTerms.Read(schema, level.Model, term.Path));
            if (level.Filter is { } filter) Visit(filter.Root);
            foreach (IncludeShape include in level.Includes)
            {
                fields.UnionWith(include.ParentFields.Select(static f => f.Name));
                Level(include.Level, isRoot: false);
                Fields().UnionWith(include.TargetFields.Select(static f => f.Name));
                In(level.Model.Name, isRoot);
            }
        }

        public override void Visit(CheckedNode node)
        {
            switch (node)
            {
                case FieldNode { Record: RowNode } own:
                    Fields().Add(own.Field.Name);
                    break;
                case FieldNode { Record.Type: RecordType related } field:
                    Of(related.Model.Name).Add(field.Field.Name);
                    break;
                case HopNode hop:
                    if (hop.From is RowNode) Fields().UnionWith(hop.Relation.Fields);
                    else Of(hop.Relation.Model).UnionWith(hop.Relation.Fields);
                    Of(hop.Relation.Target).UnionWith(hop.Relation.References);
                    break;
            }
            base.Visit(node);
        }

        HashSet<string> Fields() => _isRoot ? Own : Of(_model);

        HashSet<string> Of(string model) =>
            Related.TryGetValue(model, out HashSet<string>? fields) ? fields : Related[model] = new(StringComparer.Ordinal);
    }
}
