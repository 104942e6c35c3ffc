// The least that an answer over HTTP can cost on this machine: Kestrel, no routing, no middleware, constant bytes of the size of a record.
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(options => options.Listen(System.Net.IPAddress.Loopback, int.Parse(args[0])));
WebApplication app = builder.Build();
byte[] body = new byte[838];
Array.Fill(body, (byte)'x');
app.Run(context =>
{
    context.Response.ContentType = "application/json";
    context.Response.ContentLength = body.Length;
    return context.Response.Body.WriteAsync(body, 0, body.Length);
});
app.Run();
