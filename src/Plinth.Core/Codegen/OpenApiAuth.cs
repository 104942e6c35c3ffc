using System.Text.Json.Nodes;

namespace Plinth.Codegen;

/// <summary>The routes of <c>/auth</c> and the ways to say who calls, where the schema has users.</summary>
static class OpenApiAuth
{
    /// <summary>Puts the routes among the paths.</summary>
    /// <param name="paths">Of the document.</param>
    /// <param name="describesUser">The reader may see the shape of a user.</param>
    public static void AddTo(JsonObject paths, bool describesUser)
    {
        JsonObject session = Session(describesUser);
        Post(paths, "/auth/register", "register", "Make an account and sign in", "Where the operator lets anyone do so.", session, "201",
            ("email", true), ("password", true), ("name", false), ("profile", false), ("cookie", false));
        Post(paths, "/auth/login", "login", "Sign in", "With `cookie: true` the tokens come as cookies that no script can read.", session,
            "200",
            ("email", true), ("password", true), ("code", false), ("cookie", false));
        Post(paths, "/auth/refresh", "refresh", "Take the next tokens",
            "Each refresh token is good once; using one twice ends the session.",
            session, "200", ("refreshToken", false));
        Post(paths, "/auth/logout", "logout", "Sign out", "This session, or all of the user's.", null, "204", ("all", false));
        Post(paths, "/auth/password/change", "changePassword", "Change the password", "Every other session ends.", session, "200",
            ("current", true), ("password", true));
        Post(paths, "/auth/password/forgot", "forgotPassword", "Ask for a code by mail", "The answer is the same whoever it is.", null,
            "202",
            ("email", true));
        Post(paths, "/auth/password/reset", "resetPassword", "Set a password by a code", "Every session ends.", null, "204",
            ("code", true), ("password", true));
        Post(paths, "/auth/verify/request", "requestVerification", "Ask for a code that proves the address", null, null, "202", ("email",
            true));
        Post(paths, "/auth/verify/confirm", "confirmVerification", "Prove the address by a code", null, null, "204", ("code", true));
        Post(paths, "/auth/totp/enrol", "enrolTotp", "Begin a second step", "It counts once a code has confirmed it.",
            Shape(("secret", Text()), ("uri", Text()), ("recoveryCodes", ListOf(Text()))), "201");
        Post(paths, "/auth/totp/confirm", "confirmTotp", "Confirm the second step", null, null, "204", ("code", true));
        Post(paths, "/auth/totp/remove", "removeTotp", "Remove the second step", null, null, "204", ("code", true));
        Get(paths, "/auth/me", "me", "The user who calls", describesUser ? OpenApiParts.Ref("schemas", "User") : Any());
        Get(paths, "/auth/sessions", "listOwnSessions", "The caller's sessions", Page());
        Get(paths, "/auth/tokens", "listOwnTokens", "The caller's keys of programs", Page());
        ((JsonObject)paths["/auth/tokens"]!)["post"] = Operation("createToken", "Make a key of a program",
            "Its text is in this answer and in no other.", Shape(("token", Text()), ("id", Text()), ("name", Text())), "201",
            ("name", true), ("scopes", true), ("expiresAt", false));
        Delete(paths, "/auth/sessions/{id}", "endSession", "End a session");
        Delete(paths, "/auth/tokens/{id}", "deleteToken", "Delete a key");
        Get(paths, "/auth/oauth", "listProviders", "The identity providers that people may sign in by", Any());
        AddProviders(paths, session);
        Get(paths, "/.well-known/jwks.json", "jwks", "The public keys of access tokens", Any());
    }

    /// <summary>What a browser does: it is sent to a provider, and comes back with its answer.</summary>
    static void AddProviders(JsonObject paths, JsonObject session)
    {
        JsonObject start = Operation("startOAuth", "Go to a provider",
            "For browsers: sends to the provider, and keeps in a cookie what must come back.", null, "302");
        start["parameters"] = new JsonArray(Query("redirect", "The page to be sent to afterwards: one of `oauth.redirects`, exactly."));
        paths["/auth/oauth/{provider}"] = new JsonObject { ["parameters"] = new JsonArray(Provider()), ["get"] = start };
        JsonObject back = Operation("endOAuth", "Come back from a provider",
            "Tokens; or, where the sign-in was begun with a page, cookies and 302 to it.", session, "200");
        back["parameters"] = new JsonArray(Query("code", "Of the provider, good once."), Query("state", "As it was sent there."),
            Query("iss", "The provider's issuer."), Query("error", "Why nobody was signed in."));
        JsonObject posted = Operation("endOAuthByForm", "Come back from a provider that posts a form", null, session, "200");
        posted["requestBody"] = new JsonObject
        {
            ["required"] = true,
            ["content"] = new JsonObject
            {
                ["application/x-www-form-urlencoded"] = new JsonObject
                {
                    ["schema"] = Shape(("code", Text()), ("state", Text()), ("user", Text()), ("error", Text())),
                },
            },
        };
        paths["/auth/oauth/{provider}/callback"] = new JsonObject
        {
            ["parameters"] = new JsonArray(Provider()), ["get"] = back, ["post"] = posted,
        };
    }

    static JsonObject Provider() => new()
    {
        ["name"] = "provider", ["in"] = "path", ["required"] = true, ["schema"] = Text(),
        ["description"] = "One of those that /auth/oauth lists.",
    };

    static JsonObject Query(string name, string description) =>
        new() { ["name"] = name, ["in"] = "query", ["description"] = description, ["schema"] = Text() };

    /// <summary>How a caller says who he is.</summary>
    public static JsonObject Schemes() => new()
    {
        ["bearer"] = new JsonObject
        {
            ["type"] = "http", ["scheme"] = "bearer", ["bearerFormat"] = "JWT",
            ["description"] = "An access token of /auth/login, or a key of a program (plk_…).",
        },
        ["cookie"] = new JsonObject
        {
            ["type"] = "apiKey", ["in"] = "cookie", ["name"] = "__Host-plinth",
            ["description"] = "The cookie of a sign-in with `cookie: true`; writes carry X-CSRF-Token besides.",
        },
    };

    /// <summary>Nobody, or one of the schemes: which, the rules decide.</summary>
    public static JsonArray Security() => new(new JsonObject(), new JsonObject { ["bearer"] = new JsonArray() },
        new JsonObject { ["cookie"] = new JsonArray() });

    static void Get(JsonObject paths, string path, string id, string summary, JsonObject answer) =>
        paths[path] = new JsonObject { ["get"] = Operation(id, summary, null, answer, "200") };

    static void Delete(JsonObject paths, string path, string id, string summary) => paths[path] = new JsonObject
    {
        ["parameters"] = new JsonArray(new JsonObject
        {
            ["name"] = "id", ["in"] = "path", ["required"] = true, ["schema"] = new JsonObject { ["type"] = "string", ["format"] = "uuid" },
        }),
        ["delete"] = Operation(id, summary, null, null, "204"),
    };

    static void Post(
        JsonObject paths, string path, string id, string summary, string? description, JsonObject? answer, string status,
        params ReadOnlySpan<(string Name, bool IsRequired)> body) =>
        paths[path] = new JsonObject { ["post"] = Operation(id, summary, description, answer, status, body) };

    static JsonObject Operation(
        string id, string summary, string? description, JsonObject? answer, string status,
        params ReadOnlySpan<(string Name, bool IsRequired)> body)
    {
        JsonObject done = answer is null ? new JsonObject { ["description"] = "Done." }
            : OpenApiParts.Answer("The answer.", (JsonObject)answer.DeepClone(), null);
        JsonObject operation = OpenApiParts.Operation("Identity", id, summary, description, done, status);
        if (body.Length > 0) operation["requestBody"] = OpenApiParts.Body(BodyOf(body), null);
        return operation;
    }

    static JsonObject BodyOf(ReadOnlySpan<(string Name, bool IsRequired)> members)
    {
        JsonObject properties = [];
        JsonArray required = [];
        foreach (var (name, isRequired) in members)
        {
            properties[name] = name switch
            {
                "cookie" or "all" => new JsonObject { ["type"] = "boolean" },
                "profile" => Any(),
                "scopes" => ListOf(Text()),
                "expiresAt" => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
                "email" => new JsonObject { ["type"] = "string", ["format"] = "email" },
                "password" or "current" => new JsonObject { ["type"] = "string", ["format"] = "password" },
                _ => Text(),
            };
            if (isRequired) required.Add((JsonNode)name);
        }
        JsonObject shape = new() { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (required.Count > 0) shape["required"] = required;
        return shape;
    }

    static JsonObject Session(bool describesUser) => Shape(
        ("accessToken", Text()), ("tokenType", Text()), ("refreshToken", Text()), ("csrfToken", Text()),
        ("expiresIn", new JsonObject { ["type"] = "integer" }), ("sessionId", Text()),
        ("user", describesUser ? OpenApiParts.Ref("schemas", "User") : Any()));

    static JsonObject Page() => Shape(("items", ListOf(Any())), ("page", Any()));

    static JsonObject Shape(params ReadOnlySpan<(string Name, JsonObject Type)> members)
    {
        JsonObject properties = [];
        foreach (var (name, type) in members) properties[name] = type;
        return new JsonObject { ["type"] = "object", ["properties"] = properties };
    }

    static JsonObject ListOf(JsonObject item) => new() { ["type"] = "array", ["items"] = item };

    static JsonObject Text() => new() { ["type"] = "string" };

    static JsonObject Any() => new() { ["type"] = "object" };
}
