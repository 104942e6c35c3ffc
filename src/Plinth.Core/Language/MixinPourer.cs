using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Puts the members of mixins where <c>use</c> stands. Mixins may use mixins, not themselves; one that is reached on several ways is
/// poured in once, at the first.
/// </summary>
sealed class MixinPourer(Declarations declarations, Findings findings, Limits limits)
{
    readonly HashSet<string> _used = new(StringComparer.Ordinal);

    public List<MemberSyntax> Members(ModelDraft model)
    {
        List<MemberSyntax> members = [];
        Pour(model.Syntax, members, [], [], model);
        return WithoutOverridden(model.Syntax, members);
    }

    /// <summary>What a model writes itself wins over what a mixin brings. Twice in the model, or in two mixins, is a mistake.</summary>
    static List<MemberSyntax> WithoutOverridden(RecordSyntax model, List<MemberSyntax> members)
    {
        if (!model.Members.Any(m => m is UseSyntax)) return members;
        HashSet<MemberSyntax> own = new(model.Members, ReferenceEqualityComparer.Instance);
        HashSet<string> names = [.. model.Members.OfType<FieldSyntax>().Select(f => f.Name.Text)];
        members.RemoveAll(m => m is FieldSyntax field && names.Contains(field.Name.Text) && !own.Contains(m));
        return members;
    }

    /// <summary>A mixin that no model uses is bound on its own, so that what is wrong in it does not wait for its first use.</summary>
    public void CheckUnused(Binder binder)
    {
        foreach (var (name, syntax) in declarations.Mixins)
        {
            if (!_used.Contains(name)) binder.BindMembers(new ModelDraft(syntax, name), this);
        }
    }

    void Pour(RecordSyntax record, List<MemberSyntax> into, HashSet<string> within, HashSet<string> done, ModelDraft model)
    {
        model.IsIncomplete |= record.IsBroken;
        HashSet<string> here = new(StringComparer.Ordinal);
        foreach (MemberSyntax member in record.Members)
        {
            if (member is not UseSyntax { Mixin: var name } use)
            {
                into.Add(member);
            }
            else if (!declarations.Mixins.TryGetValue(name.Text, out RecordSyntax? mixin))
            {
                model.IsIncomplete = true;
                findings.Error(use.Source, Codes.UnknownMixin, name.Span, $"unknown mixin '{name.Text}'",
                    findings.DidYouMean(name.Text, declarations.Mixins.Keys));
            }
            else if (!here.Add(name.Text))
            {
                findings.Error(use.Source, Codes.DuplicateName, name.Span, $"'{name.Text}' is used twice");
            }
            else if (!within.Add(name.Text))
            {
                findings.Error(use.Source, Codes.Cycle, name.Span, $"the mixin '{name.Text}' uses itself");
            }
            else if (within.Count > limits.SchemaDepth)
            {
                within.Remove(name.Text);
                findings.Error(use.Source, Codes.LimitExceeded, name.Span,
                    $"mixins use mixins deeper than {limits.SchemaDepth} levels (limits.schemaDepth)");
            }
            else
            {
                _used.Add(name.Text);
                if (done.Add(name.Text)) Pour(mixin, into, within, done, model);
                within.Remove(name.Text);
            }
        }
    }
}
