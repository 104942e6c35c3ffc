using System.Security.Cryptography;

namespace Plinth.Realtime;

public sealed class TicketsTests
{
    [Fact]
    public void A_ticket_has_one_id_however_it_is_spelt()
    {
        using Tickets tickets = new(RandomNumberGenerator.GetBytes(32), TimeProvider.System);
        string ticket = tickets.Seal("a credential");
        OpenedTicket opened = tickets.Open(ticket)!.Value; // it was sealed above
        Assert.Equal(("a credential", true), (opened.Credential, opened.IsFresh));
        string padded = ticket.PadRight((ticket.Length + 3) / 4 * 4, '=');
        foreach (string spelling in new[] { ticket, padded, ticket[..8] + "\n" + ticket[8..], " " + ticket })
            Assert.Equal(opened.Id, tickets.Open(spelling)?.Id ?? opened.Id);
        Assert.NotEqual(opened.Id, tickets.Open(tickets.Seal("a credential"))?.Id);
    }

    [Fact]
    public void Tickets_of_many_at_once_are_each_their_own()
    {
        using Tickets tickets = new(RandomNumberGenerator.GetBytes(32), TimeProvider.System);
        Parallel.For(0, 5_000, i =>
        {
            string credential = new((char)('a' + (i % 26)), 100 + i);
            Assert.Equal(credential, tickets.Open(tickets.Seal(credential))?.Credential);
        });
    }

    [Fact]
    public void A_ticket_of_another_key_is_none()
    {
        using Tickets ours = new(RandomNumberGenerator.GetBytes(32), TimeProvider.System);
        using Tickets theirs = new(RandomNumberGenerator.GetBytes(32), TimeProvider.System);
        Assert.Null(ours.Open(theirs.Seal("a credential")));
        Assert.Null(ours.Open(""));
        Assert.Null(ours.Open("no ticket"));
    }
}
