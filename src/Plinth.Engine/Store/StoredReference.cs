namespace Plinth.Store;

/// <summary>A reference of one table to another, as the database knows it.</summary>
/// <param name="Table">That holds it.</param>
/// <param name="Name">Of the constraint.</param>
/// <param name="Columns">That refer, in order, joined by commas.</param>
sealed record StoredReference(string Table, string Name, string Columns);
