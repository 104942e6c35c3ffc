namespace Plinth.Expressions;

/// <summary>Puts a value in the place of a loop's variable.</summary>
sealed class Substitution(int variable, CheckedNode value) : NodeRewriter
{
    public override CheckedNode Rewrite(CheckedNode node) => node is VariableNode v && v.Id == variable ? value : Children(node);
}
