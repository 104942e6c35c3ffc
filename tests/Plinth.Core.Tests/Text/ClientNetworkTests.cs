namespace Plinth.Text;

public sealed class ClientNetworkTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8::1", "20010DB800000000")]
    [InlineData("2001:db8::ffff:1", "20010DB800000000")]
    [InlineData("2001:db8:0:1::1", "20010DB800000001")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("::1", "0000000000000000")]
    [InlineData("no:address", "no:address")]
    [InlineData("", "")]
    public void Clients_are_counted_by_the_network_of_one_customer(string address, string network) =>
        Assert.Equal(network, ClientNetwork.Of(address));
}
